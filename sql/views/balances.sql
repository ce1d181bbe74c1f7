-- What every account has, in micro-credits. `available` is what a run may draw on now: credits left in pots that have
-- not expired. `expired` still counts as posted until the account's next event writes it off.
CREATE OR REPLACE VIEW ledger.balances AS
SELECT
    accounts.journal,
    accounts.account_id,
    accounts.tier,
    accounts.approved,
    accounts.closed,
    accounts.posted,
    accounts.held,
    coalesce(pots.available, 0)::bigint AS available,
    coalesce(pots.expired, 0)::bigint AS expired,
    (coalesce(pots.available, 0) / 1000000.0)::numeric(20, 6) AS available_credits,
    accounts.sequence,
    accounts.last_recorded_at
FROM ledger.accounts
LEFT JOIN LATERAL (
    SELECT
        sum(pots.remaining) FILTER (WHERE pots.expires_at IS NULL OR pots.expires_at > now()) AS available,
        sum(pots.remaining) FILTER (WHERE pots.expires_at <= now()) AS expired
    FROM ledger.pots
    WHERE pots.journal = accounts.journal AND pots.account_id = accounts.account_id
) AS pots ON true;
