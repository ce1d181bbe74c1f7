-- Months of the books that are closed, journal by journal: the positions that belong to each, from the one after `after` to
-- `through`, the journal's running hash and its log's root there, and the event that closed it. A close that is older than the
-- roots has none. The house's account of a journal, whose id begins with `house` in ASCII, holds these events.
CREATE OR REPLACE VIEW ledger.closed_periods AS
SELECT
    closing.journal,
    closing.month,
    coalesce(lag(closing.through) OVER (PARTITION BY closing.journal ORDER BY closing.through, closing.position), 0)
        AS after,
    closing.through,
    closing.head_hash,
    closing.position AS closed_by_position,
    closing.recorded_at AS closed_at,
    closing.actor,
    closing.totals,
    closing.root
FROM (
    SELECT
        events.journal,
        events.position,
        events.recorded_at,
        events.detail::jsonb ->> 'month' AS month,
        (events.detail::jsonb ->> 'through')::bigint AS through,
        decode(events.detail::jsonb ->> 'hash', 'hex') AS head_hash,
        events.detail::jsonb ->> 'actor' AS actor,
        events.detail::jsonb -> 'totals' AS totals,
        decode(events.detail::jsonb ->> 'root', 'base64') AS root
    FROM ledger.journals
    INNER JOIN ledger.accounts
        ON journals.journal = accounts.journal
        AND accounts.account_id BETWEEN '686f7573-6500-0000-0000-000000000000'
        AND '686f7573-6500-0000-ffff-ffffffffffff'
    INNER JOIN ledger.events
        ON accounts.journal = events.journal AND accounts.account_id = events.account_id
    WHERE events.type = 'period.closed'
) AS closing;
