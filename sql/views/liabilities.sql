-- Credits that customers have, by where they came from and by the UTC day on which they expire (NULL: never). `held` is set
-- aside by runs under way. What has expired and was not written off yet is owed to nobody: it is `expired`, not
-- `available`. Amounts are micro-credits; available, held and expired sum to what is posted to accounts.
CREATE OR REPLACE VIEW ledger.liabilities AS
SELECT
    pots.kind,
    (pots.expires_at AT TIME ZONE 'UTC')::date AS expires_on,
    count(DISTINCT (pots.journal, pots.account_id)) AS accounts,
    count(*) AS pots,
    coalesce(sum(pots.remaining) FILTER (WHERE pots.expires_at IS NULL OR pots.expires_at > now()), 0)::bigint
        AS available,
    sum(pots.held)::bigint AS held,
    coalesce(sum(pots.remaining) FILTER (WHERE pots.expires_at <= now()), 0)::bigint AS expired
FROM ledger.pots
WHERE pots.remaining > 0 OR pots.held > 0
GROUP BY 1, 2;
