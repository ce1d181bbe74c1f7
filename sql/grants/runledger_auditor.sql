-- Everything an auditor may do: read all there is but customers' inputs, outputs, addresses, payment references and webhooks'
-- secrets and the digests of operators' tokens, recompute every hash, and look at the fences themselves.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM runledger_auditor;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM runledger_auditor;
GRANT USAGE ON SCHEMA ledger TO runledger_auditor;

GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO runledger_auditor;
REVOKE SELECT
ON
    ledger.run_tasks,
    ledger.execution_results,
    ledger.idempotency,
    ledger.webhooks,
    ledger.account_contacts,
    ledger.payment_methods,
    ledger.payment_charges,
    ledger.data_keys,
    ledger.private_texts,
    ledger.operators,
    ledger.workflow_documents
FROM runledger_auditor;
-- Not whom.
GRANT SELECT (journal, attempt_id, account_id, units, currency) ON ledger.payment_charges TO runledger_auditor;

GRANT EXECUTE ON FUNCTION
    ledger.canonical_field(bytea),
    ledger.canonical_microseconds(timestamptz),
    ledger.event_canonical_bytes(ledger.events),
    ledger.event_hash(ledger.events),
    ledger.journal_chain(smallint, bigint, bigint),
    ledger.account_history(uuid),
    ledger.trial_balance(bigint[], boolean),
    ledger.fence_faults(),
    ledger.verify_chain()
TO runledger_auditor;
