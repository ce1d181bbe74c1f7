-- What is missing from, or was put beside, the fences around the events; no row when they all stand.
CREATE OR REPLACE FUNCTION ledger.fence_faults()
RETURNS TABLE (object text, fault text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH fenced AS (
        SELECT 'ledger.events'::regclass AS relation, false AS is_partition
        UNION ALL
        SELECT pg_inherits.inhrelid::regclass, true
        FROM pg_inherits
        WHERE pg_inherits.inhparent = 'ledger.events'::regclass
        UNION ALL
        SELECT 'ledger_guard.migration_windows'::regclass, false
        UNION ALL
        SELECT kept.relation, false
        FROM unnest(
            '{ledger.invoice_imports, ledger.invoice_lines, ledger.invoice_items, ledger.invoice_item_runs}'::regclass[]
        ) AS kept (relation)
    ),

    -- The bits of tgtype: 1 row, 2 before, 8 delete, 16 update, 32 truncate.
    wanted_triggers (trigger_type, meaning) AS (
        VALUES (1 + 2 + 8 + 16, 'UPDATE and DELETE'), (2 + 32, 'TRUNCATE')
    )

    SELECT fenced.relation::text, 'no trigger that is ENABLE ALWAYS refuses ' || wanted_triggers.meaning
    FROM fenced
    CROSS JOIN wanted_triggers
    WHERE NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE pg_trigger.tgrelid = fenced.relation
            AND pg_trigger.tgtype = wanted_triggers.trigger_type
            AND pg_trigger.tgenabled = 'A'
            AND pg_trigger.tgqual IS NULL
            AND pg_trigger.tgfoid = to_regprocedure('ledger_guard.refuse_change()')
    )
    UNION ALL
    SELECT fenced.relation::text, 'has the foreign trigger ' || pg_trigger.tgname
    FROM fenced
    INNER JOIN pg_trigger ON fenced.relation = pg_trigger.tgrelid
    WHERE pg_trigger.tgfoid IS DISTINCT FROM to_regprocedure('ledger_guard.refuse_change()')
    UNION ALL
    SELECT fenced.relation::text, 'has the rule ' || pg_rewrite.rulename
    FROM fenced
    INNER JOIN pg_rewrite ON fenced.relation = pg_rewrite.ev_class
    UNION ALL
    SELECT fenced.relation::text, 'has row-level security, which can hide events'
    FROM fenced
    INNER JOIN pg_class ON fenced.relation = pg_class.oid
    WHERE pg_class.relrowsecurity
    UNION ALL
    SELECT fenced.relation::text, 'has no unique index on (journal, account_id, sequence)'
    FROM fenced
    WHERE fenced.is_partition
        AND NOT EXISTS (
            SELECT FROM pg_index
            WHERE pg_index.indrelid = fenced.relation
                AND pg_index.indisunique AND pg_index.indisvalid AND pg_index.indpred IS NULL
                AND (
                    SELECT array_agg(pg_attribute.attname ORDER BY pg_attribute.attname)
                    FROM pg_attribute
                    WHERE pg_attribute.attrelid = fenced.relation AND pg_attribute.attnum = ANY(pg_index.indkey)
                ) = ARRAY['account_id', 'journal', 'sequence']::name[]
        )
    UNION ALL
    SELECT fenced.relation::text, roles.name || ' may ' || privileges.name
    FROM fenced
    CROSS JOIN (
        VALUES
            ('public'), ('runledger_owner'), ('runledger_migrator'), ('runledger_service'), ('runledger_finance'),
            ('runledger_auditor')
    ) AS roles (name)
    CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS privileges (name)
    WHERE has_table_privilege(roles.name, fenced.relation, privileges.name)
    UNION ALL
    SELECT wanted.name, 'the event trigger is missing or not ENABLE ALWAYS'
    FROM (
        VALUES ('ledger_refuse_ddl_start'), ('ledger_refuse_ddl_end'), ('ledger_refuse_drop')
    ) AS wanted (name)
    WHERE NOT EXISTS (
        SELECT FROM pg_event_trigger
        WHERE pg_event_trigger.evtname = wanted.name
            AND pg_event_trigger.evtenabled = 'A'
            AND pg_event_trigger.evttags IS NULL
            AND pg_event_trigger.evtfoid = to_regprocedure('ledger_guard.refuse_ddl()')
    )
    UNION ALL
    SELECT pg_class.oid::regclass::text, 'looks like a partition of ledger.events and is not attached to it'
    FROM pg_class
    WHERE pg_class.relnamespace = 'ledger'::regnamespace
        AND pg_class.relkind = 'r'
        AND pg_class.relname ~ '^events_[0-9]+$'
        AND NOT pg_class.relispartition
    ORDER BY 1, 2
$$;
