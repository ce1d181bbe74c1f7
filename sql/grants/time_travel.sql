-- What an account had and why: for auditors, for finance, and for the operators' API and the program.
GRANT EXECUTE ON FUNCTION
    ledger.account_journal(uuid),
    ledger.sequence_as_of(uuid, timestamptz, bigint),
    ledger.balance_at(uuid, timestamptz),
    ledger.credit_change(text, bigint),
    ledger.late_changes(uuid, timestamptz, timestamptz),
    ledger.balance_as_of(uuid, timestamptz, bigint, bigint, timestamptz),
    ledger.event_rule(text, text),
    ledger.account_stream(uuid, bigint, bigint),
    ledger.explained(ledger.events, bigint),
    ledger.open_holds_at(uuid, bigint, bigint),
    ledger.pot_changes(uuid, bigint, bigint),
    ledger.stream_beginning(uuid, text, uuid, bigint),
    ledger.why_balance(uuid, bigint),
    ledger.why_held(uuid, bigint),
    ledger.why_available(uuid, bigint),
    ledger.why_pot(uuid, uuid, bigint),
    ledger.why_grant(uuid, uuid, bigint, timestamptz),
    ledger.why_charge(uuid, uuid, bigint),
    ledger.why_refusal(uuid, bigint),
    ledger.why(uuid, text, text, bigint, timestamptz)
TO runledger_auditor, runledger_finance, runledger_service;
