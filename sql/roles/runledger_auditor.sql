-- migrator: superuser
-- The group of logins of auditors: reads everything and can recompute every hash. It changes nothing.
DO $$
BEGIN
    IF to_regrole('runledger_auditor') IS NULL THEN
        CREATE ROLE runledger_auditor NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
