-- What the past costs on a long ledger: psql -v events=10000000 -f scripts/as-of-cost.sql on an empty ledger of a private
-- cluster; `scripts/as-of-cost` makes one. Fills journal 0 with that many events of 100 accounts. Each account goes
-- through blocks of 1,000 events: a top-up, 199 runs of 5 events that cost a millionth of a credit each, a refused request,
-- and the expiry of what is left. The hashes are none.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset footer off
SET synchronous_commit = off;
INSERT INTO ledger.journals (journal, position) VALUES (0, :events)
ON CONFLICT (journal) DO UPDATE SET position = excluded.position;
CREATE TEMPORARY TABLE chosen AS
SELECT number, md5(number::text)::uuid AS id FROM generate_series(0, 99) AS number;
INSERT INTO ledger.accounts
SELECT 0, chosen.id, 'business', 'user', true, false, 0, 0, :events / 100, '\x00', now(), now()
FROM chosen;
INSERT INTO ledger.events (
    version, journal, position, account_id, sequence, type, recorded_at, effective_at, command_id, execution_id, hold_id,
    pot_id, model, price_version, amount, balance_after, held_after, detail, hash
)
SELECT
    1, 0, made.position, chosen.id, made.sequence, made.type, made.recorded_at, made.recorded_at,
    md5(made.position::text)::uuid, made.run, CASE WHEN made.moves IN (2, 4) THEN made.run END,
    CASE WHEN made.moves IN (5, 6) THEN made.pot END, CASE WHEN made.run IS NOT NULL THEN 'draft-image' END,
    CASE WHEN made.moves IN (2, 4) THEN '1' END,
    CASE made.moves WHEN 2 THEN 1 WHEN 4 THEN 1 WHEN 5 THEN 1000000 WHEN 6 THEN 1000000 - 199 END,
    CASE made.moves
        WHEN 2 THEN 1000000 - made.turn WHEN 4 THEN 1000000 - made.turn - 1 WHEN 5 THEN 1000000 WHEN 6 THEN 0
    END,
    CASE WHEN made.moves = 2 THEN 1 WHEN made.moves IN (4, 5, 6) THEN 0 END,
    CASE
        WHEN made.moves IN (2, 4) THEN '{"draws":[["' || made.pot || '","1"]]}'
        WHEN made.moves = 5 THEN '{"kind":"top_up"}'
    END,
    decode(repeat('00', 32), 'hex')
FROM (
    SELECT
        placed.*,
        -- 0 to 4: of a run; 5: the top-up; 6: the expiry; 7 to 9: a refused request.
        (
            ARRAY[
                'request.received', 'capability.granted', 'credits.held', 'execution.succeeded', 'credits.debited',
                'credits.added', 'credits.expired', 'request.received', 'capability.granted', 'credits.refused'
            ]
        )[placed.moves + 1] AS type,
        CASE WHEN placed.moves < 5 THEN md5(placed.account || ' run ' || placed.block || ' ' || placed.turn)::uuid END
            AS run,
        md5(placed.account || ' pot ' || placed.block)::uuid AS pot
    FROM (
        SELECT
            counted.*,
            CASE
                WHEN counted.place = 0 THEN 5 WHEN counted.place = 999 THEN 6 WHEN counted.place > 995
                THEN counted.place - 989 ELSE (counted.place - 1) % 5
            END AS moves,
            (counted.place - 1) / 5 AS turn
        FROM (
            SELECT
                numbers.position,
                numbers.position % 100 AS account,
                (numbers.position - 1) / 100 + 1 AS sequence,
                (numbers.position - 1) / 100 / 1000 AS block,
                (numbers.position - 1) / 100 % 1000 AS place,
                '2026-01-01'::timestamptz + numbers.position * interval '1 second' AS recorded_at
            FROM generate_series(1, :events) AS numbers (position)
        ) AS counted
    ) AS placed
) AS made
INNER JOIN chosen ON made.account = chosen.number;
VACUUM (ANALYZE) ledger.events;
SELECT to_char(count(*), 'FM999,999,999') AS events, pg_size_pretty(pg_total_relation_size('ledger.events_000000')) AS size
FROM ledger.events;
SELECT indexrelid::regclass AS index, pg_size_pretty(pg_relation_size(indexrelid)) AS size
FROM pg_index
WHERE indrelid = 'ledger.events_000000'::regclass
ORDER BY 1;

-- The middle of the history of one account, in the middle of a block.
SELECT id AS account, :events / 200 - 400 AS half FROM chosen WHERE number = 50
\gset
SELECT (:half - 1) * 100 + 50 AS middle, md5('50 pot ' || (:half - 1) / 1000) AS pot, :half / 1000 * 1000 - 1 AS refusal
\gset
SELECT '2026-01-01'::timestamptz + :middle * interval '1 second' AS moment
\gset
-- Once to warm up: the first call of a session also plans.
SELECT * FROM ledger.balance_at(:'account', :'moment');
SELECT count(*) AS lines, sum(change) FROM ledger.why(:'account', 'balance', NULL, :half);
\echo 'The probe of a balance at a moment:'
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF)
SELECT events.position, events.sequence, events.recorded_at, events.balance_after, events.held_after
FROM ledger.events
WHERE events.journal = 0 AND events.account_id = :'account' AND events.recorded_at <= :'moment'
    AND events.balance_after IS NOT NULL
ORDER BY events.recorded_at DESC
LIMIT 1;
\echo 'With what is known now, at a moment, a sequence and a position:'
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.balance_as_of(:'account', :'moment');
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.balance_as_of(:'account', at_sequence => :half);
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.balance_as_of(:'account', at_position => :middle);
\echo 'Why: the balance, what is held, a pot that is in use, and the refusal before the end:'
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.why(:'account', 'balance', NULL, :half);
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.why(:'account', 'held', NULL, :half);
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.why(:'account', 'pot', :'pot', :half);
EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) SELECT * FROM ledger.why(:'account', 'refusal', :'refusal');
