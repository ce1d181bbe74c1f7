-- A run is one row at any time: in holds while it is under way, in ended_executions for good once it has ended. Both
-- tables are only ever inserted into and deleted from on the path of a run; `ledger.executions` shows them together.
DROP VIEW IF EXISTS ledger.open_holds;

ALTER TABLE ledger.holds
    ADD COLUMN request_id uuid,
    ADD COLUMN key_id uuid,
    ADD COLUMN model text,
    ADD COLUMN quote bigint CHECK (quote > 0),
    ADD COLUMN price_version text,
    ADD COLUMN instance bigint,
    ADD COLUMN admitted_at timestamptz,
    ADD COLUMN deadline_at timestamptz,
    ADD COLUMN status text,
    ADD COLUMN provider_request_id text;

UPDATE ledger.holds
SET
    request_id = executions.request_id,
    key_id = executions.key_id,
    model = executions.model,
    quote = executions.quote,
    price_version = executions.price_version,
    instance = executions.instance,
    admitted_at = executions.admitted_at,
    deadline_at = executions.deadline_at,
    status = executions.status,
    provider_request_id = executions.provider_request_id
FROM ledger.executions
WHERE executions.journal = holds.journal AND executions.execution_id = holds.execution_id;

ALTER TABLE ledger.holds
    ALTER COLUMN key_id SET NOT NULL,
    ALTER COLUMN model SET NOT NULL,
    ALTER COLUMN quote SET NOT NULL,
    ALTER COLUMN price_version SET NOT NULL,
    ALTER COLUMN instance SET NOT NULL,
    ALTER COLUMN admitted_at SET NOT NULL,
    ALTER COLUMN deadline_at SET NOT NULL,
    ALTER COLUMN status SET NOT NULL,
    DROP COLUMN execution_id;

-- The id of a hold is that of its run.
DELETE FROM ledger.executions WHERE status NOT IN ('succeeded', 'failed');
ALTER TABLE ledger.executions RENAME TO ended_executions;
ALTER TABLE ledger.ended_executions
    DROP CONSTRAINT executions_pkey,
    DROP COLUMN hold_id,
    ALTER COLUMN ended_at SET NOT NULL,
    ADD PRIMARY KEY (journal, account_id, execution_id);
ALTER TABLE ledger.ended_executions RESET (fillfactor);

-- Every hash is recomputed by `verify` and `verify_chain()`, so one of another length is found; checking each of them a
-- second time while it is written costs 2 microseconds a run.
ALTER TABLE ledger.events DROP CONSTRAINT events_previous_hash_check, DROP CONSTRAINT events_hash_check;
