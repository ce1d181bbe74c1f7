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
    ledger.chart_of_accounts,
    ledger.posting_rules,
    ledger.postings,
    ledger.account_tiers,
    ledger.breakage,
    ledger.closed_periods,
    ledger.house_events,
    ledger.invoice_imports,
    ledger.invoice_lines,
    ledger.invoice_items,
    ledger.invoice_item_runs,
    ledger.provider_runs,
    ledger.reconciliation_sums,
    ledger.reconciliation_totals,
    ledger.reconciliation_imports,
    ledger.reconciliation_items,
    ledger.reconciliation_decisions,
    ledger.grants_outstanding,
    ledger.liabilities,
    ledger.model_providers,
    ledger.refunds,
    ledger.rated_runs,
    ledger.runs_by_day,
    ledger.trial_by_month,
    ledger.unresolved_executions,
    ledger.auto_top_ups,
    ledger.operator_log,
    ledger.payment_events,
    ledger.workflows,
    ledger.workflow_nodes
TO runledger_finance;
-- Not whom.
GRANT SELECT (journal, attempt_id, account_id, units, currency) ON ledger.payment_charges TO runledger_finance;

GRANT EXECUTE ON FUNCTION
    ledger.account_history(uuid),
    ledger.focus_charges(smallint, bigint, bigint, numeric, text),
    ledger.invoice_digest(uuid),
    ledger.trial_balance(bigint[], boolean)
TO runledger_finance;
