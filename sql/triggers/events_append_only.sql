-- Nobody changes or removes an event, also not with `session_replication_role = replica`: the triggers are ENABLE
-- ALWAYS. A row trigger reaches the partitions; one for TRUNCATE does not, so each partition is given its own as it is
-- made.
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.events
FOR EACH ROW EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.events ENABLE ALWAYS TRIGGER refuse_change;

CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.events
FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard.refuse_change();
ALTER TABLE ledger.events ENABLE ALWAYS TRIGGER refuse_truncate;

-- Room for the first 67,108,864 positions of every journal.
SELECT ledger.ensure_event_partitions(4 * 16777216);
