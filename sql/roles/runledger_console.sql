-- migrator: superuser
-- What the console's sessions read as. Logins of the service are members of it; it changes nothing.
DO $$
BEGIN
    IF to_regrole('runledger_console') IS NULL THEN
        CREATE ROLE runledger_console NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
