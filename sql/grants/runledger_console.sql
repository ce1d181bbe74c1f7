-- migrator: superuser
-- Everything the console may do: read what its pages show. Digests of keys and tokens, addresses, inputs and outputs are
-- out of its reach.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM runledger_console;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM runledger_console;
GRANT USAGE ON SCHEMA ledger TO runledger_console;

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
    ledger.auto_top_ups,
    ledger.operator_log,
    ledger.invoice_item_runs,
    ledger.reconciliation_sums,
    ledger.reconciliation_totals,
    ledger.reconciliation_imports,
    ledger.reconciliation_items,
    ledger.log_checkpoints
TO runledger_console;

-- What reports and exports are made of.
GRANT SELECT ON
    ledger.balances,
    ledger.breakage,
    ledger.chart_of_accounts,
    ledger.closed_periods,
    ledger.grants_outstanding,
    ledger.liabilities,
    ledger.open_holds,
    ledger.posting_rules,
    ledger.postings,
    ledger.rated_runs,
    ledger.refunds,
    ledger.runs_by_day,
    ledger.trial_by_month,
    ledger.unresolved_executions
TO runledger_console;
GRANT EXECUTE ON FUNCTION
    ledger.focus_charges(smallint, bigint, bigint, numeric, text),
    ledger.trial_balance(bigint[], boolean)
TO runledger_console;
GRANT SELECT (journal, key_id, account_id) ON ledger.api_keys TO runledger_console;

-- The fences are looked at, not touched: their schema may be seen.
GRANT USAGE ON SCHEMA ledger_guard TO runledger_console;
GRANT EXECUTE ON FUNCTION ledger.fence_faults() TO runledger_console;
