-- Everything an auditor may do: read all there is but customers' inputs, outputs, addresses and webhooks' secrets and the
-- digests of operators' tokens, recompute every hash, and look at the fences themselves.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM runledger_auditor;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM runledger_auditor;
GRANT USAGE ON SCHEMA ledger TO runledger_auditor;

GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO runledger_auditor;
REVOKE SELECT
ON ledger.run_tasks, ledger.execution_results, ledger.idempotency, ledger.webhooks, ledger.account_contacts, ledger.operators
FROM runledger_auditor;

GRANT EXECUTE ON FUNCTION
    ledger.canonical_field(bytea),
    ledger.canonical_microseconds(timestamptz),
    ledger.event_canonical_bytes(ledger.events),
    ledger.event_hash(ledger.events),
    ledger.journal_chain(smallint, bigint, bigint),
    ledger.account_history(uuid),
    ledger.account_journal(uuid),
    ledger.sequence_as_of(uuid, timestamptz, bigint),
    ledger.balance_at(uuid, timestamptz),
    ledger.credit_change(text, bigint),
    ledger.late_changes(uuid, timestamptz, timestamptz),
    ledger.balance_as_of(uuid, timestamptz, bigint, bigint, timestamptz),
    ledger.event_rule(text, text),
    ledger.account_stream(uuid, bigint),
    ledger.explained(ledger.events, bigint),
    ledger.open_holds_at(uuid, bigint),
    ledger.pot_changes(uuid, bigint),
    ledger.why_balance(uuid, bigint),
    ledger.why_held(uuid, bigint),
    ledger.why_pot(uuid, uuid, bigint),
    ledger.why_grant(uuid, uuid, bigint, timestamptz),
    ledger.why_charge(uuid, uuid, bigint),
    ledger.why_refusal(uuid, bigint),
    ledger.why(uuid, text, text, bigint, timestamptz),
    ledger.fence_faults(),
    ledger.verify_chain()
TO runledger_auditor;
