-- The accounts of the books: what each counts and means, and what its postings are told apart by. Debits are above zero,
-- credits below. `docs/books.md` says more; Swift has the same accounts in `BookAccount`.
CREATE OR REPLACE VIEW ledger.chart_of_accounts AS
SELECT
    account.book,
    account.commodity,
    account.detail,
    account.meaning
FROM (
    VALUES
    ('Assets:Consideration:Plan', 'CREDIT', 'none', 'credits of plans'' allowances, as they were added'),
    ('Assets:Consideration:TopUp', 'CREDIT', 'none', 'credits that were bought, as they were added'),
    ('Assets:Consideration:Refunded', 'CREDIT', 'none', 'credits whose payment was given back'),
    ('Liabilities:Credits:Available', 'CREDIT', 'pot', 'credits that customers have and no run has set aside'),
    ('Liabilities:Credits:Held', 'CREDIT', 'pot', 'credits that runs under way have set aside'),
    ('Income:Runs', 'CREDIT', 'model', 'credits that runs were charged'),
    ('Income:Breakage', 'CREDIT', 'none', 'credits that expired unused'),
    ('Income:Forgone', 'CREDIT', 'model', 'what runs cost beyond their quotes, earned and never charged'),
    ('Expenses:Absorbed', 'CREDIT', 'model', 'what runs cost beyond their quotes, borne by the house'),
    ('Expenses:Corrections', 'CREDIT', 'none', 'credits that operators gave, less those they took'),
    ('Expenses:Refunds:Spent', 'CREDIT', 'none', 'credits that were refunded after they had been spent'),
    ('Assets:Grants:Held', 'GRANTRUN', 'grant', 'free runs under way'),
    ('Expenses:Grants:Used', 'GRANTRUN', 'model', 'free runs that were used'),
    ('Equity:Grants:Given', 'GRANTRUN', 'none', 'free runs that were given, under way or used'),
    ('Expenses:Providers', 'USD', 'model', 'what providers reported that runs cost'),
    ('Liabilities:Providers', 'USD', 'none', 'what providers are owed for runs'),
    ('Liabilities:Suspense', 'USD', 'import', 'what invoices bill beyond what was booked, undecided'),
    ('Assets:Claims', 'USD', 'import', 'what providers are asked to give back'),
    ('Expenses:Reconciled', 'USD', 'none', 'differences to invoices that were borne')
) AS account (book, commodity, detail, meaning);
