-- Everything the service may do, and nothing else: what this file no longer grants is taken away.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM runledger_service;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM runledger_service;
GRANT USAGE ON SCHEMA ledger TO runledger_service;

GRANT SELECT ON ledger.ledger, ledger.migrations, ledger.replaceables, ledger.executions TO runledger_service;
GRANT SELECT ON
    ledger.provider_runs,
    ledger.house_events,
    ledger.reconciliation_sums,
    ledger.reconciliation_totals,
    ledger.reconciliation_imports,
    ledger.reconciliation_items
TO runledger_service;
GRANT SELECT, INSERT ON
    ledger.events, ledger.operator_log, ledger.definition_versions, ledger.log_checkpoints, ledger.workflow_slugs,
    ledger.invoice_imports, ledger.invoice_lines, ledger.invoice_items, ledger.invoice_item_runs
TO runledger_service;
GRANT SELECT, INSERT, DELETE ON ledger.payment_charges TO runledger_service;
GRANT SELECT, UPDATE (position, head_hash) ON ledger.journals TO runledger_service;
-- A key is destroyed and an erasure is finished; neither is forgotten.
GRANT SELECT, INSERT, UPDATE ON ledger.data_keys, ledger.erasures TO runledger_service;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    ledger.accounts,
    ledger.pots,
    ledger.grants,
    ledger.holds,
    ledger.rate_windows,
    ledger.ended_executions,
    ledger.api_keys,
    ledger.api_key_uses,
    ledger.account_contacts,
    ledger.private_texts,
    ledger.commands,
    ledger.run_tasks,
    ledger.execution_results,
    ledger.idempotency,
    ledger.read_windows,
    ledger.webhooks,
    ledger.webhook_checkpoints,
    ledger.webhook_deliveries,
    ledger.webhook_attempts,
    ledger.auto_top_ups,
    ledger.operators,
    ledger.operator_requests,
    ledger.model_switches,
    ledger.payment_events,
    ledger.payment_methods,
    ledger.workflows,
    ledger.workflow_documents,
    ledger.workflow_nodes
TO runledger_service;

GRANT EXECUTE ON FUNCTION ledger.ensure_event_partitions(bigint), ledger.invoice_digest(uuid) TO runledger_service;
