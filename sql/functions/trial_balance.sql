-- What every account of the books holds after each journal's events up to a position, one number for each journal from 0
-- on; NULL for all events there are. Without `by_name` one row for each account of the chart, with it one for each pot,
-- grant and model. Each commodity sums to zero.
CREATE OR REPLACE FUNCTION ledger.trial_balance(positions bigint[] DEFAULT NULL, by_name boolean DEFAULT false)
RETURNS TABLE (name text, commodity text, units numeric)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY
    SELECT
        CASE WHEN trial_balance.by_name THEN postings.name ELSE postings.book END,
        postings.commodity,
        sum(postings.units)
    FROM ledger.postings
    WHERE
        trial_balance.positions IS NULL
        OR postings.position <= coalesce(trial_balance.positions[postings.journal + 1], 0)
    GROUP BY 1, 2
    HAVING sum(postings.units) <> 0
    ORDER BY 1, 2;
END
$$;
