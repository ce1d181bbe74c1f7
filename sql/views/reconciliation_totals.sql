-- What comparing each invoice with the ledger found in all, and what of it is still open, in suspense, or claimed. It is made of
-- events alone, so that it costs the same for invoices of any size. Amounts are micro-dollars.
CREATE OR REPLACE VIEW ledger.reconciliation_totals AS
SELECT
    compared.import_id,
    compared.matched_items,
    compared.differing_items,
    compared.difference,
    (compared.differing_items - coalesce(decided.items, 0))::bigint AS open_items,
    (compared.differing_difference - coalesce(decided.difference, 0))::bigint AS open_difference,
    coalesce(decided.claimed_difference, 0)::bigint AS claimed_difference
FROM (
    SELECT
        (comparing.detail ->> 'import')::uuid AS import_id,
        coalesce(
            sum((comparing.detail ->> 'count')::bigint) FILTER (WHERE comparing.detail ->> 'outcome' = 'matched'), 0
        )::bigint AS matched_items,
        coalesce(
            sum((comparing.detail ->> 'count')::bigint) FILTER (WHERE comparing.detail ->> 'outcome' <> 'matched'), 0
        )::bigint AS differing_items,
        sum((comparing.detail ->> 'microusd')::bigint)::bigint AS difference,
        coalesce(
            sum((comparing.detail ->> 'microusd')::bigint) FILTER (WHERE comparing.detail ->> 'outcome' <> 'matched'), 0
        )::bigint AS differing_difference
    FROM ledger.house_events AS comparing
    WHERE comparing.type = 'invoice.compared'
    GROUP BY 1
) AS compared
LEFT JOIN (
    SELECT
        (resolving.detail ->> 'import')::uuid AS import_id,
        -- The end of a claim is about items that left suspense when they were claimed.
        sum(jsonb_array_length(resolving.detail -> 'items'))
            FILTER (WHERE resolving.detail ->> 'as' IN ('accepted', 'claimed', 'reversed')) AS items,
        sum((resolving.detail ->> 'microusd')::bigint)
            FILTER (WHERE resolving.detail ->> 'as' IN ('accepted', 'claimed', 'reversed')) AS difference,
        sum(
            CASE resolving.detail ->> 'as'
                WHEN 'claimed' THEN (resolving.detail ->> 'microusd')::bigint
                WHEN 'credited' THEN -(resolving.detail ->> 'microusd')::bigint
                WHEN 'written_off' THEN -(resolving.detail ->> 'microusd')::bigint
            END
        ) AS claimed_difference
    FROM ledger.house_events AS resolving
    WHERE resolving.type = 'suspense.resolved'
    GROUP BY 1
) AS decided ON compared.import_id = decided.import_id;
