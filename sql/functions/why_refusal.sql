-- Why a request was refused by an event of an account's stream: the lines of the number that it was measured against
-- (credits available, runs left of the grant, requests counted in the minute), what the account and the key were, and the
-- refusal itself. Only the first add up.
CREATE OR REPLACE FUNCTION ledger.why_refusal(account_id uuid, refusal bigint)
RETURNS SETOF ledger.explanation
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    refused ledger.events;
    said jsonb;
    minute_began timestamptz;
    issued bigint;
    standing bigint;
BEGIN
    SELECT events.* INTO refused
    FROM ledger.account_stream(why_refusal.account_id, why_refusal.refusal, why_refusal.refusal - 1) AS events;
    said := coalesce(refused.detail, '{}')::jsonb;
    CASE refused.type
        WHEN 'credits.refused' THEN
            RETURN QUERY SELECT * FROM ledger.why_available(why_refusal.account_id, why_refusal.refusal - 1);
        WHEN 'grant.refused' THEN
            RETURN QUERY
            SELECT *
            FROM ledger.why_grant(
                why_refusal.account_id, refused.grant_id, why_refusal.refusal - 1, refused.recorded_at
            );
        WHEN 'rate_limit.exceeded' THEN
            minute_began := 'epoch'::timestamptz + (said ->> 'minute')::bigint * interval '1 minute';
            RETURN QUERY
            SELECT (ledger.explained(events, 1)).*
            FROM ledger.account_stream(
                    why_refusal.account_id,
                    why_refusal.refusal,
                    (SELECT ledger.sequence_as_of(why_refusal.account_id, minute_began - interval '1 microsecond'))
                ) AS events
            WHERE events.type = 'rate_limit.counted'
                AND events.detail::jsonb -> 'minute' = said -> 'minute'
                AND events.detail::jsonb -> 'route' = said -> 'route'
            ORDER BY events.sequence;
        WHEN 'capability.denied', 'request.refused' THEN
            NULL;
        ELSE
            RETURN;
    END CASE;
    IF refused.type = 'capability.denied' OR said ->> 'code' = 'UNAUTHORIZED' THEN
        issued := ledger.stream_beginning(
            why_refusal.account_id, 'key', refused.key_id, why_refusal.refusal
        );
    END IF;
    standing := ledger.stream_beginning(
        why_refusal.account_id,
        CASE
            WHEN refused.type IN ('capability.denied', 'rate_limit.exceeded')
                OR said ->> 'code' = 'MODEL_TIER_REQUIRED'
            THEN 'plan'
            WHEN said ->> 'code' = 'ACCOUNT_NOT_APPROVED' THEN 'approval'
            WHEN said ->> 'code' = 'UNAUTHORIZED' THEN 'close'
        END,
        NULL,
        why_refusal.refusal
    );
    RETURN QUERY
    SELECT (ledger.explained(events, NULL)).*
    FROM ledger.account_stream(
            why_refusal.account_id,
            why_refusal.refusal,
            least(nullif(issued, 0), nullif(standing, 0), why_refusal.refusal) - 1
        ) AS events
    WHERE events.sequence IN (why_refusal.refusal, standing)
        OR (issued > 0 AND events.key_id = refused.key_id AND events.type IN ('key.issued', 'key.revoked'))
    ORDER BY events.sequence;
END
$$;
