-- What moved on each account of the books in each month, in smallest units. A posting belongs to the closed month whose
-- positions it is among; one that came later belongs to the month in which it was recorded, or the first open one if that is
-- closed. Closed months are read from what was frozen, open ones are summed up from their events.
CREATE OR REPLACE VIEW ledger.trial_by_month AS
WITH frozen AS (
    SELECT
        periods.journal,
        periods.month,
        total.pair ->> 0 AS book,
        (total.pair ->> 1)::numeric AS units
    FROM ledger.closed_periods AS periods
    CROSS JOIN LATERAL jsonb_array_elements(periods.totals) AS total (pair)
),

last_closed AS (
    SELECT
        journals.journal,
        coalesce(max(periods.through), 0) AS through,
        to_char(to_date(max(periods.month), 'YYYY-MM') + interval '1 month', 'YYYY-MM') AS next_month
    FROM ledger.journals
    LEFT JOIN ledger.closed_periods AS periods ON journals.journal = periods.journal
    GROUP BY journals.journal
),

moved AS (
    SELECT
        frozen.month,
        frozen.book,
        true AS is_closed,
        frozen.units - coalesce(
            lag(frozen.units) OVER (PARTITION BY frozen.journal, frozen.book ORDER BY frozen.month), 0
        ) AS units
    FROM frozen
    UNION ALL
    SELECT
        greatest(to_char(postings.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM'), last_closed.next_month) AS month,
        postings.book,
        false AS is_closed,
        postings.units
    FROM last_closed
    INNER JOIN ledger.postings
        ON last_closed.journal = postings.journal AND last_closed.through < postings.position
)

SELECT
    moved.month,
    moved.book,
    chart.commodity,
    bool_and(moved.is_closed) AS is_closed,
    sum(moved.units) AS units
FROM moved
INNER JOIN ledger.chart_of_accounts AS chart ON moved.book = chart.book
GROUP BY moved.month, moved.book, chart.commodity
HAVING sum(moved.units) <> 0;
