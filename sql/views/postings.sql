-- The books: every posting of every event, in units of a millionth of a credit or a dollar, and in runs. `line` counts the
-- postings of an event; those of one event sum to zero in each commodity. `name` tells apart what `book` sums up.
--
-- The event's type picks its rules before anything of `detail` is read, so that the many events that post nothing cost
-- only their row.
CREATE OR REPLACE VIEW ledger.postings AS
SELECT
    events.journal,
    events.position,
    (2 * (movement.place - 1) + side.side)::integer AS line,
    events.recorded_at,
    events.effective_at,
    events.account_id,
    events.sequence,
    events.type,
    events.execution_id,
    events.model,
    events.grant_id,
    movement.pot_id,
    side.book,
    side.book || CASE chart.detail
        WHEN 'pot' THEN ':A-' || events.account_id || coalesce(':P-' || movement.pot_id, '')
        WHEN 'grant' THEN ':A-' || events.account_id || coalesce(':G-' || events.grant_id, '')
        WHEN 'model' THEN coalesce(':M-' || events.model, '')
        WHEN 'import' THEN coalesce(':I-' || (events.detail::jsonb ->> 'import'), '')
        ELSE ''
    END AS name,
    chart.commodity,
    side.units
FROM ledger.events
INNER JOIN ledger.posting_rules rules
    ON events.type = rules.type
    AND CASE events.type
        WHEN 'credits.added' THEN events.detail::jsonb ->> 'kind'
        WHEN 'credits.adjusted' THEN CASE WHEN events.detail::jsonb ? 'refund' THEN 'refund' ELSE 'correction' END
        WHEN 'invoice.compared' THEN
            CASE WHEN events.detail::jsonb ->> 'outcome' = 'matched' THEN 'tolerated' ELSE 'suspended' END
        WHEN 'suspense.resolved' THEN events.detail::jsonb ->> 'as'
        ELSE 'always'
    END = rules.condition
CROSS JOIN LATERAL (
    SELECT
        1::bigint AS place,
        CASE rules.quantity WHEN 'amount' THEN events.pot_id END AS pot_id,
        CASE rules.quantity
            WHEN 'amount' THEN events.amount
            WHEN 'run' THEN 1
            WHEN 'difference' THEN (events.detail::jsonb ->> 'microusd')::bigint
            -- A workflow's is that of its nodes, which have postings of their own.
            WHEN 'provider cost' THEN CASE
                WHEN events.model NOT LIKE 'workflow:%' THEN (events.detail::jsonb ->> 'provider_microusd')::bigint
            END
        END AS units
    WHERE rules.quantity <> 'draws'
    UNION ALL
    SELECT
        draw.place,
        (draw.pair ->> 0)::uuid AS pot_id,
        (draw.pair ->> 1)::bigint AS units
    FROM jsonb_array_elements(
        CASE rules.quantity WHEN 'draws' THEN events.detail::jsonb -> 'draws' END
    ) WITH ORDINALITY AS draw (pair, place)
) AS movement
CROSS JOIN LATERAL (
    VALUES (1, rules.debit, movement.units), (2, rules.credit, -movement.units)
) AS side (side, book, units)
INNER JOIN ledger.chart_of_accounts chart ON side.book = chart.book
WHERE movement.units <> 0;
