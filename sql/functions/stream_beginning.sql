-- Where in an account's stream something begins, at or before an event: a pot or a grant (what filled or issued it), a key (its
-- issue), a run (its hold; of a workflow its request), or a refusal (the refusal itself, by the id of its request or of its
-- run); or the last event that set the account's plan, approval or close. 0 when it does not. Searches backwards, in parts that grow, so it reads
-- what lies between and little more.
CREATE OR REPLACE FUNCTION ledger.stream_beginning(account_id uuid, kind text, id uuid, up_to bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET jit = off
AS $$
DECLARE
    types CONSTANT text[] := CASE stream_beginning.kind
        WHEN 'pot' THEN '{credits.added}'::text[]
        WHEN 'grant' THEN '{grant.issued}'
        WHEN 'key' THEN '{key.issued}'
        WHEN 'run' THEN '{credits.held,grant.held,request.received}'
        WHEN 'refusal'
        THEN '{credits.refused,grant.refused,rate_limit.exceeded,capability.denied,request.refused}'
        WHEN 'plan' THEN '{account.opened,account.tier_changed,account.role_changed}'
        WHEN 'approval' THEN '{account.opened,account.approved}'
        WHEN 'close' THEN '{account.closed}'
    END;
    high bigint := (
        SELECT max(events.sequence)
        FROM ledger.account_stream(stream_beginning.account_id, stream_beginning.up_to) AS events
    );
    low bigint;
    span bigint := 256;
    found bigint;
BEGIN
    WHILE high > 0 AND types IS NOT NULL LOOP
        low := greatest(high - span, 0);
        SELECT max(events.sequence) INTO found
        FROM ledger.account_stream(stream_beginning.account_id, high, low) AS events
        WHERE events.type = ANY (types) AND CASE stream_beginning.kind
                WHEN 'pot' THEN events.pot_id = stream_beginning.id
                WHEN 'grant' THEN events.grant_id = stream_beginning.id
                WHEN 'key' THEN events.key_id = stream_beginning.id
                WHEN 'run' THEN events.execution_id = stream_beginning.id
                WHEN 'refusal' THEN stream_beginning.id IN (events.request_id, events.execution_id)
                ELSE true
            END;
        IF found IS NOT NULL THEN
            RETURN found;
        END IF;
        high := low;
        span := span * 4;
    END LOOP;
    RETURN 0;
END
$$;
