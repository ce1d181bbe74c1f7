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
BEGIN
    SELECT events.* INTO refused
    FROM ledger.account_stream(why_refusal.account_id, why_refusal.refusal) AS events
    WHERE events.sequence = why_refusal.refusal;
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
            FROM ledger.account_stream(why_refusal.account_id, why_refusal.refusal) AS events
            WHERE events.sequence > ledger.sequence_as_of(
                    why_refusal.account_id, minute_began - interval '1 microsecond'
                )
                AND events.type = 'rate_limit.counted'
                AND events.detail::jsonb -> 'minute' = said -> 'minute'
                AND events.detail::jsonb -> 'route' = said -> 'route'
            ORDER BY events.sequence;
        WHEN 'capability.denied', 'request.refused' THEN
            NULL;
        ELSE
            RETURN;
    END CASE;
    RETURN QUERY
    SELECT (ledger.explained(events, NULL)).*
    FROM ledger.account_stream(why_refusal.account_id, why_refusal.refusal) AS events
    WHERE events.sequence = why_refusal.refusal
        OR (
            events.key_id = refused.key_id
            AND events.type IN ('key.issued', 'key.revoked')
            AND (refused.type = 'capability.denied' OR said ->> 'code' = 'UNAUTHORIZED')
        )
        OR events.sequence IN (
            SELECT max(standing.sequence)
            FROM ledger.account_stream(why_refusal.account_id, why_refusal.refusal) AS standing
            WHERE CASE
                WHEN refused.type IN ('capability.denied', 'rate_limit.exceeded')
                    OR said ->> 'code' = 'MODEL_TIER_REQUIRED'
                THEN standing.type IN ('account.opened', 'account.tier_changed', 'account.role_changed')
                WHEN said ->> 'code' = 'ACCOUNT_NOT_APPROVED'
                THEN standing.type IN ('account.opened', 'account.approved')
                WHEN said ->> 'code' = 'UNAUTHORIZED' THEN standing.type = 'account.closed'
            END
        )
    ORDER BY events.sequence;
END
$$;
