-- migrator: superuser
-- The group of logins of finance: reads events, projections and views, but no key digests. It changes nothing.
DO $$
BEGIN
    IF to_regrole('runledger_finance') IS NULL THEN
        CREATE ROLE runledger_finance NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
