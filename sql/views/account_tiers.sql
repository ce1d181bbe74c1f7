-- Which plan each account was on when: from its opening, and from each change on, until the next one. `until_at` is NULL
-- for the plan that it is on.
CREATE OR REPLACE VIEW ledger.account_tiers AS
SELECT
    events.journal,
    events.account_id,
    events.detail::jsonb ->> CASE events.type WHEN 'account.opened' THEN 'tier' ELSE 'to' END AS tier,
    events.recorded_at AS from_at,
    lead(events.recorded_at) OVER (
        PARTITION BY events.journal, events.account_id ORDER BY events.sequence
    ) AS until_at
FROM ledger.events
WHERE events.type IN ('account.opened', 'account.tier_changed');
