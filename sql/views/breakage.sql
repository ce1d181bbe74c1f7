-- Credits that were written off because nobody used them in time, by UTC day and by where they came from. `reason` is
-- `renewal` where a plan's next period ended them early. Amounts are micro-credits.
CREATE OR REPLACE VIEW ledger.breakage AS
SELECT
    (events.recorded_at AT TIME ZONE 'UTC')::date AS day,
    pots.kind,
    coalesce(events.detail::jsonb ->> 'by', 'expiry') AS reason,
    count(*) AS pots,
    sum(events.amount)::bigint AS amount
FROM ledger.events
INNER JOIN ledger.pots
    ON events.journal = pots.journal AND events.account_id = pots.account_id AND events.pot_id = pots.pot_id
WHERE events.type = 'credits.expired'
GROUP BY 1, 2, 3;
