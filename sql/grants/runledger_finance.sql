-- Everything finance may do: read what concerns money. The digests of keys do not.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM runledger_finance;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM runledger_finance;
GRANT USAGE ON SCHEMA ledger TO runledger_finance;

GRANT SELECT ON
    ledger.ledger,
    ledger.journals,
    ledger.events,
    ledger.accounts,
    ledger.pots,
    ledger.grants,
    ledger.holds,
    ledger.rate_windows,
    ledger.ended_executions,
    ledger.executions,
    ledger.balances,
    ledger.open_holds,
    ledger.auto_top_ups,
    ledger.operator_log,
    ledger.payment_events
TO runledger_finance;

GRANT EXECUTE ON FUNCTION
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
    ledger.why(uuid, text, text, bigint, timestamptz)
TO runledger_finance;
