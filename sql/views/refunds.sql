-- What was given back or put right, event by event: credits that refunds of payments took back (`refund`), credits that
-- they could not take back because they were spent (`spent`), and what operators corrected (`correction`). `amount` is
-- what it did to the account's balance in micro-credits, and for `spent` what the house bears. A reason that is sealed is
-- `sealed`, whichever it is: what stands in its place in the event says nothing, and is another for each account.
CREATE OR REPLACE VIEW ledger.refunds AS
SELECT
    events.journal,
    events.position,
    events.recorded_at,
    events.account_id,
    CASE
        WHEN events.type = 'credits.short' THEN 'spent'
        WHEN events.detail::jsonb ? 'refund' THEN 'refund'
        ELSE 'correction'
    END AS kind,
    events.pot_id,
    events.detail::jsonb ->> 'reference' AS reference,
    CASE
        WHEN events.detail::jsonb ->> 'reason' ~ '^sealed:[0-9a-f]{64}$' THEN 'sealed'
        ELSE events.detail::jsonb ->> 'reason'
    END AS reason,
    (events.detail::jsonb ->> 'corrects')::bigint AS corrects_sequence,
    events.amount
FROM ledger.events
WHERE events.type IN ('credits.adjusted', 'credits.short');
