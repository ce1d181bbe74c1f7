-- Everything the service may do, and nothing else: what this file no longer grants is taken away.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM runledger_service;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM runledger_service;
GRANT USAGE ON SCHEMA ledger TO runledger_service;

GRANT SELECT ON ledger.ledger, ledger.migrations, ledger.replaceables, ledger.executions TO runledger_service;
GRANT SELECT, INSERT ON ledger.events, ledger.operator_log, ledger.definition_versions TO runledger_service;
GRANT SELECT, UPDATE (position, head_hash) ON ledger.journals TO runledger_service;

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
    ledger.payment_events
TO runledger_service;

GRANT EXECUTE ON FUNCTION ledger.ensure_event_partitions(bigint) TO runledger_service;

-- What an account had and why, for the operators' API and the command line.
GRANT EXECUTE ON FUNCTION
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
    ledger.why(uuid, text, text, bigint, timestamptz)
TO runledger_service;
