-- migrator: superuser
-- The event trigger that keeps everybody, superusers included, from creating, altering or dropping objects of the
-- ledger outside of a migration window. Raises LG011.
--
-- What a command touched is only known at its end, when raising undoes it. Commands with CONCURRENTLY commit before
-- their end, so those are refused at the start to whoever could touch the ledger, by their text: they can't hide in a
-- function.
CREATE OR REPLACE FUNCTION ledger_guard.refuse_ddl()
RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    touched text;
BEGIN
    IF tg_event = 'ddl_command_start' THEN
        IF current_query() ~* '\mconcurrently\M' AND pg_has_role(session_user, 'runledger_owner', 'MEMBER') THEN
            touched := 'a CONCURRENTLY command';
        END IF;
    ELSIF tg_event = 'sql_drop' THEN
        SELECT dropped.object_type || ' ' || dropped.object_identity INTO touched
        FROM pg_event_trigger_dropped_objects() AS dropped
        WHERE dropped.schema_name IN ('ledger', 'ledger_guard')
            OR dropped.object_identity ~ '(^| on )(ledger|ledger_guard)([.]|$)'
        ORDER BY dropped.original DESC
        LIMIT 1;
    ELSE
        -- By owner too: ALTER TABLE ... SET SCHEMA has moved the table by now.
        SELECT command.object_type || ' ' || command.object_identity INTO touched
        FROM pg_event_trigger_ddl_commands() AS command
        LEFT JOIN pg_class ON command.classid = 'pg_class'::regclass AND pg_class.oid = command.objid
        LEFT JOIN pg_namespace ON command.classid = 'pg_namespace'::regclass AND pg_namespace.oid = command.objid
        WHERE coalesce(command.schema_name, '') <> 'pg_temp'
            AND (
                command.schema_name IN ('ledger', 'ledger_guard')
                OR command.object_identity ~ '(^| on )(ledger|ledger_guard)([.]|$)'
                OR coalesce(pg_class.relowner, pg_namespace.nspowner) = to_regrole('runledger_owner')
            )
        LIMIT 1;
    END IF;
    IF touched IS NULL THEN
        RETURN;
    END IF;
    -- Not even a window allows for the removal of the record of windows.
    IF to_regclass('ledger_guard.migration_windows') IS NOT NULL
        AND to_regprocedure('ledger_guard.is_window_open()') IS NOT NULL
    THEN
        IF ledger_guard.is_window_open() THEN
            RETURN;
        END IF;
    END IF;
    RAISE EXCEPTION '% on % is refused: no migration window is open', tg_tag, touched
        USING ERRCODE = 'LG011',
        HINT = 'Change the ledger by a migration. In an emergency, in the same transaction: '
            'SELECT ledger_guard.open_migration_window(''reason''), which is recorded for good.';
END
$$;

REVOKE ALL ON FUNCTION ledger_guard.refuse_ddl() FROM PUBLIC;
