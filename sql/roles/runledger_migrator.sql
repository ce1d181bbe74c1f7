-- migrator: superuser
-- The group of logins that may migrate: they can take the owner's role, but no fence gives way to them.
-- A migration that carries `-- migrator: superuser` still needs a superuser.
DO $$
BEGIN
    IF to_regrole('runledger_migrator') IS NULL THEN
        CREATE ROLE runledger_migrator NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
