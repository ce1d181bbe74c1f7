-- What is known by `known_at` of an account's credits at a moment, but was not known then: events that were recorded
-- after it and count from before. An event counts from its effective_at; a correction counts from when the event that it
-- corrects does.
CREATE OR REPLACE FUNCTION ledger.late_changes(
    account_id uuid,
    at timestamptz,
    known_at timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    "position" bigint, sequence bigint, recorded_at timestamptz, counts_from timestamptz, type text, change bigint,
    corrects bigint
)
LANGUAGE sql STABLE
AS $$
    WITH RECURSIVE home AS (
        SELECT ledger.account_journal(late_changes.account_id) AS journal
    ),
    traced AS (
        SELECT
            events.journal, events.position, events.sequence, events.recorded_at, events.effective_at, events.type,
            events.amount, (events.detail::jsonb ->> 'corrects')::bigint AS corrects,
            (events.detail::jsonb ->> 'corrects')::bigint AS next
        FROM ledger.events
        WHERE events.journal = (SELECT home.journal FROM home)
            AND events.account_id = late_changes.account_id
            AND events.recorded_at > late_changes.at
            AND events.recorded_at <= late_changes.known_at
            AND (events.type = 'credits.adjusted' OR events.effective_at < events.recorded_at)
        UNION ALL
        SELECT
            traced.journal, traced.position, traced.sequence, traced.recorded_at, cause.effective_at, traced.type,
            traced.amount, traced.corrects,
            CASE WHEN cause.type = 'credits.adjusted' THEN (cause.detail::jsonb ->> 'corrects')::bigint END
        FROM traced
        INNER JOIN ledger.events AS cause
            ON traced.journal = cause.journal
            AND cause.account_id = late_changes.account_id
            AND traced.next = cause.sequence
            AND cause.sequence < traced.sequence
    )
    SELECT
        traced.position, traced.sequence, traced.recorded_at, min(traced.effective_at), traced.type,
        ledger.credit_change(traced.type, traced.amount), traced.corrects
    FROM traced
    WHERE ledger.credit_change(traced.type, traced.amount) <> 0
    GROUP BY traced.position, traced.sequence, traced.recorded_at, traced.type, traced.amount, traced.corrects
    HAVING min(traced.effective_at) <= late_changes.at
    ORDER BY traced.sequence
$$;
