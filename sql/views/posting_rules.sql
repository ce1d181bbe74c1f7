-- The rules of the books: which events move what, from where to where. Events of other types post nothing. The same rules
-- as in Swift's `PostingRule` and in the table of `docs/books.md`.
CREATE OR REPLACE VIEW ledger.posting_rules AS
SELECT
    rule.rule,
    rule.type,
    rule.condition,
    rule.quantity,
    rule.debit,
    rule.credit
FROM (
    VALUES
    (1, 'credits.added', 'plan', 'amount', 'Assets:Consideration:Plan', 'Liabilities:Credits:Available'),
    (2, 'credits.added', 'top_up', 'amount', 'Assets:Consideration:TopUp', 'Liabilities:Credits:Available'),
    (3, 'credits.expired', 'always', 'amount', 'Liabilities:Credits:Available', 'Income:Breakage'),
    (4, 'credits.adjusted', 'correction', 'amount', 'Expenses:Corrections', 'Liabilities:Credits:Available'),
    (5, 'credits.adjusted', 'refund', 'amount', 'Assets:Consideration:Refunded', 'Liabilities:Credits:Available'),
    (6, 'credits.short', 'always', 'amount', 'Expenses:Refunds:Spent', 'Assets:Consideration:Refunded'),
    (7, 'credits.held', 'always', 'draws', 'Liabilities:Credits:Available', 'Liabilities:Credits:Held'),
    (8, 'credits.released', 'always', 'draws', 'Liabilities:Credits:Held', 'Liabilities:Credits:Available'),
    (9, 'credits.debited', 'always', 'draws', 'Liabilities:Credits:Held', 'Income:Runs'),
    (10, 'cost.absorbed', 'always', 'amount', 'Expenses:Absorbed', 'Income:Forgone'),
    (11, 'grant.held', 'always', 'run', 'Assets:Grants:Held', 'Equity:Grants:Given'),
    (12, 'grant.released', 'always', 'run', 'Equity:Grants:Given', 'Assets:Grants:Held'),
    (13, 'grant.consumed', 'always', 'run', 'Expenses:Grants:Used', 'Assets:Grants:Held'),
    (14, 'execution.succeeded', 'always', 'provider cost', 'Expenses:Providers', 'Liabilities:Providers'),
    (15, 'invoice.compared', 'tolerated', 'difference', 'Expenses:Reconciled', 'Liabilities:Providers'),
    (16, 'invoice.compared', 'suspended', 'difference', 'Liabilities:Suspense', 'Liabilities:Providers'),
    (17, 'suspense.resolved', 'accepted', 'difference', 'Expenses:Reconciled', 'Liabilities:Suspense'),
    (18, 'suspense.resolved', 'claimed', 'difference', 'Assets:Claims', 'Liabilities:Suspense'),
    (19, 'suspense.resolved', 'reversed', 'difference', 'Liabilities:Providers', 'Liabilities:Suspense'),
    (20, 'suspense.resolved', 'credited', 'difference', 'Liabilities:Providers', 'Assets:Claims'),
    (21, 'suspense.resolved', 'written_off', 'difference', 'Expenses:Reconciled', 'Assets:Claims')
) AS rule (rule, type, condition, quantity, debit, credit);
