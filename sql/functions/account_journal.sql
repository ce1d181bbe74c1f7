-- The journal that an account lives in; NULL when there is no such account.
CREATE OR REPLACE FUNCTION ledger.account_journal(account_id uuid)
RETURNS smallint
LANGUAGE sql STABLE
AS $$
    SELECT journals.journal
    FROM ledger.journals
    INNER JOIN ledger.accounts
        ON journals.journal = accounts.journal AND accounts.account_id = account_journal.account_id
$$;
