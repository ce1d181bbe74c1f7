-- migrator: superuser
-- The group of logins of the service: appends events and keeps the projections. It can't change or remove an event.
DO $$
BEGIN
    IF to_regrole('runledger_service') IS NULL THEN
        CREATE ROLE runledger_service NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
