-- The rule by which an event of a type and a detail came about, in a few words (docs/time-travel.md).
CREATE OR REPLACE FUNCTION ledger.event_rule(type text, detail text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE event_rule.type
        WHEN 'credits.added' THEN
            CASE
                WHEN said.detail ? 'period' THEN 'renewal of the plan'
                WHEN said.detail ->> 'kind' = 'plan' THEN 'allowance of the plan'
                ELSE 'top-up'
            END
        WHEN 'credits.expired' THEN
            CASE WHEN said.detail ->> 'by' = 'renewal' THEN 'ended by a renewal' ELSE 'the pot has expired' END
        WHEN 'credits.adjusted' THEN
            CASE
                WHEN said.detail ? 'refund' THEN 'refund of a payment'
                WHEN said.detail ? 'corrects' THEN 'corrects event ' || (said.detail ->> 'corrects')
                ELSE 'adjustment'
            END
        WHEN 'credits.held' THEN 'the quote; earliest expiry first, then plan before top-up'
        WHEN 'credits.debited' THEN 'the cost, at most the quote; drawn as held'
        WHEN 'credits.released' THEN 'what was held and not charged'
        WHEN 'credits.refused' THEN 'the quote is above what is available'
        WHEN 'cost.absorbed' THEN 'the cost above the quote is ours'
        WHEN 'grant.issued' THEN 'given'
        WHEN 'grant.opened' THEN 'opened by its first run'
        WHEN 'grant.held' THEN 'one run set aside'
        WHEN 'grant.consumed' THEN 'one run used'
        WHEN 'grant.released' THEN 'one run given back'
        WHEN 'grant.revoked' THEN 'taken back'
        WHEN 'grant.refused' THEN 'a spent grant blocks its model'
        WHEN 'rate_limit.counted' THEN
            format('one of %s a minute on %s', said.detail ->> 'limit', said.detail ->> 'route')
        WHEN 'rate_limit.exceeded' THEN
            format('the %s plan has %s a minute on %s', said.detail ->> 'tier', said.detail ->> 'limit',
                said.detail ->> 'route')
        WHEN 'capability.denied' THEN 'the key or the plan has no ' || (said.detail ->> 'required')
        WHEN 'request.refused' THEN said.detail ->> 'code'
        WHEN 'invoice.compared' THEN 'differences of ' || translate(said.detail ->> 'outcome', '_', ' ')
        WHEN 'suspense.resolved' THEN translate(said.detail ->> 'as', '_', ' ')
        WHEN 'execution.succeeded' THEN
            CASE WHEN said.detail ->> 'by' = 'policy' THEN 'unresolved: charged by policy' ELSE 'succeeded' END
        WHEN 'execution.failed' THEN
            CASE WHEN said.detail ->> 'by' = 'policy' THEN 'unresolved: released by policy' ELSE 'failed' END
        ELSE translate(split_part(event_rule.type, '.', 2), '_', ' ')
    END
    FROM (SELECT coalesce(event_rule.detail, '{}')::jsonb AS detail) AS said
$$;
