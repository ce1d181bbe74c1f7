-- What a balance at any moment costs on a long ledger: psql -v events=10000000 -f scripts/as-of-cost.sql
-- on an empty, migrated database of a private cluster (docs/time-travel.md). Fills journal 0 with that many events of 1,000
-- accounts, of which two in five move credits as in a run, and shows the plan of the probe for the account of most events.
-- The hashes are none.
\set ON_ERROR_STOP 1
\timing on
INSERT INTO ledger.journals (journal, position) VALUES (0, :events) ON CONFLICT (journal) DO NOTHING;
INSERT INTO ledger.accounts
SELECT 0, md5(account::text)::uuid, 'business', 'user', true, false, 0, 0, :events / 1000, '\x00', now(), now()
FROM generate_series(0, 999) AS account;
INSERT INTO ledger.events (
    version, journal, position, account_id, sequence, type, recorded_at, effective_at, command_id, amount,
    balance_after, held_after, hash
)
SELECT
    1, 0, made.position, md5((made.position % 1000)::text)::uuid, (made.position - 1) / 1000 + 1, made.type,
    made.recorded_at, made.recorded_at, md5(made.position::text)::uuid, made.amount,
    CASE WHEN made.amount IS NOT NULL THEN made.position END, CASE WHEN made.amount IS NOT NULL THEN 0 END,
    decode(repeat('00', 32), 'hex')
FROM (
    SELECT
        numbers.position, '2026-01-01'::timestamptz + numbers.position * interval '1 second' AS recorded_at,
        (
            ARRAY['request.received', 'capability.granted', 'credits.held', 'execution.succeeded', 'credits.debited']
        )[(numbers.position / 1000) % 5 + 1] AS type,
        CASE WHEN (numbers.position / 1000) % 5 IN (2, 4) THEN 1 END AS amount
    FROM generate_series(1, :events) AS numbers (position)
) AS made;
VACUUM (ANALYZE) ledger.events;
SELECT pg_size_pretty(pg_relation_size(indexrelid)) AS size, indexrelid::regclass AS index
FROM pg_index
WHERE indrelid = 'ledger.events_000000'::regclass
ORDER BY 2;
-- Once to warm up: the first call of a session also plans.
SELECT * FROM ledger.balance_at(md5('7')::uuid, '2026-03-01');
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF)
SELECT events.position, events.sequence, events.recorded_at, events.balance_after, events.held_after
FROM ledger.events
WHERE events.journal = 0 AND events.account_id = md5('7')::uuid AND events.recorded_at <= '2026-03-01'
    AND events.balance_after IS NOT NULL
ORDER BY events.recorded_at DESC
LIMIT 1;
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.balance_as_of(md5('7')::uuid, '2026-03-01');
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.balance_as_of(md5('7')::uuid, at_position => 4000000);
