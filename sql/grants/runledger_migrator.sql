-- migrator: superuser
-- Logins that may migrate can take the owner's role. Other databases of the server may be granting the same.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_auth_members
        WHERE roleid = 'runledger_owner'::regrole AND member = 'runledger_migrator'::regrole
    ) THEN
        GRANT runledger_owner TO runledger_migrator;
    END IF;
EXCEPTION WHEN unique_violation THEN NULL;
END
$$;
