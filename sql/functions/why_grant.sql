-- Why so much of a grant was left after an event of an account's stream: runs given, used, set aside and taken back; or,
-- of a time grant, the seconds given less those that had passed at a moment since its first run opened it. Reads the stream
-- from the grant's issue on.
CREATE OR REPLACE FUNCTION ledger.why_grant(account_id uuid, grant_id uuid, up_to bigint, at timestamptz)
RETURNS SETOF ledger.explanation
LANGUAGE sql STABLE
AS $$
    WITH beginning AS MATERIALIZED (
        SELECT
            ledger.stream_beginning(why_grant.account_id, 'grant', why_grant.grant_id, why_grant.up_to) - 1 AS before
    ),

    stream AS MATERIALIZED (
        SELECT events.*
        FROM beginning
        CROSS JOIN LATERAL ledger.account_stream(why_grant.account_id, why_grant.up_to, beginning.before) AS events
        WHERE beginning.before >= 0 AND events.grant_id = why_grant.grant_id
    ),

    lines AS (
        SELECT
            events.sequence,
            CASE events.type
                WHEN 'grant.issued' THEN
                    coalesce(events.detail::jsonb ->> 'runs', events.detail::jsonb ->> 'seconds')::bigint
                WHEN 'grant.opened' THEN -least(
                    (
                        (
                            (events.detail::jsonb ->> 'closes')::bigint
                            - (extract(EPOCH FROM events.recorded_at) * 1000000)::bigint
                        ) / 1000000
                    ),
                    floor(
                        extract(
                            EPOCH FROM CASE WHEN isfinite(why_grant.at) THEN why_grant.at ELSE now() END
                            - events.recorded_at
                        )
                    )::bigint
                )
                WHEN 'grant.consumed' THEN -1
            END AS change
        FROM stream AS events
        WHERE events.type IN ('grant.issued', 'grant.opened')
            OR (events.type = 'grant.consumed' AND EXISTS (
                SELECT FROM stream AS issued WHERE issued.type = 'grant.issued' AND issued.detail::jsonb ? 'runs'
            ))
        UNION ALL
        SELECT holds.sequence, -1
        FROM beginning
        CROSS JOIN LATERAL ledger.open_holds_at(why_grant.account_id, why_grant.up_to, beginning.before) AS holds
        WHERE holds.grant_id = why_grant.grant_id AND EXISTS (
            SELECT FROM stream AS issued WHERE issued.type = 'grant.issued' AND issued.detail::jsonb ? 'runs'
        )
    )
    SELECT ledger.explained(events, coalesce(lines.change, -(SELECT sum(left_over.change) FROM lines AS left_over)::bigint))
    FROM (
        SELECT lines.sequence, lines.change FROM lines
        UNION ALL
        -- What is taken back is all that is left.
        SELECT revoked.sequence, NULL::bigint
        FROM stream AS revoked
        WHERE revoked.type = 'grant.revoked'
    ) AS lines
    INNER JOIN stream AS events ON lines.sequence = events.sequence
    ORDER BY events.sequence
$$;
