-- Events about a journal as a whole, of its house account, whose id begins with `house` in ASCII. There are few of them, and they
-- are found by the account's own index.
CREATE OR REPLACE VIEW ledger.house_events AS
SELECT
    events.journal,
    events.position,
    events.recorded_at,
    events.type,
    events.detail::jsonb AS detail
FROM ledger.accounts
INNER JOIN ledger.events
    ON accounts.journal = events.journal AND accounts.account_id = events.account_id
WHERE
    accounts.account_id BETWEEN '686f7573-6500-0000-0000-000000000000' AND '686f7573-6500-0000-ffff-ffffffffffff';
