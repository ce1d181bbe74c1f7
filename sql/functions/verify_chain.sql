-- Checks the whole ledger from its rows alone and gives one row per check: how many it looked at, and the first bad
-- thing it found, or NULL. Reads every event several times; locks nothing.
CREATE OR REPLACE FUNCTION ledger.verify_chain()
RETURNS TABLE (check_name text, checked bigint, fault text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    event_count bigint;
BEGIN
    SELECT count(*) INTO event_count FROM ledger.events;
    checked := event_count;

    check_name := 'every event has the hash of its columns';
    fault := (
        SELECT format('journal %s, position %s, %s: the stored hash is not that of the columns',
            events.journal, events.position, events.type)
        FROM ledger.events
        WHERE events.hash IS DISTINCT FROM ledger.event_hash(events)
        ORDER BY events.journal, events.position
        LIMIT 1
    );
    RETURN NEXT;

    check_name := 'positions have no gap';
    fault := (
        SELECT format('journal %s, position %s: the position before it is %s',
            placed.journal, placed.position, placed.before)
        FROM (
            SELECT events.journal, events.position,
                lag(events.position, 1, 0::bigint) OVER (PARTITION BY events.journal ORDER BY events.position) AS before
            FROM ledger.events
        ) AS placed
        WHERE placed.position <> placed.before + 1
        ORDER BY placed.journal, placed.position
        LIMIT 1
    );
    RETURN NEXT;

    check_name := 'accounts continue without a gap from the hash before';
    fault := (
        SELECT format('account %s, sequence %s (journal %s, position %s): %s',
            placed.account_id, placed.sequence, placed.journal, placed.position,
            CASE
                WHEN placed.journal <> placed.journal_before THEN 'the account was in journal ' || placed.journal_before
                WHEN placed.sequence <> placed.sequence_before + 1
                    THEN 'the sequence before it is ' || placed.sequence_before
                WHEN placed.previous_hash IS DISTINCT FROM placed.hash_before
                    THEN 'previous_hash is not the hash of the event before'
                WHEN placed.position <= placed.position_before THEN 'its position is below that of the event before'
                ELSE 'it was not recorded after the event before'
            END)
        FROM (
            SELECT events.journal, events.position, events.account_id, events.sequence, events.recorded_at,
                events.previous_hash,
                lag(events.journal) OVER account AS journal_before,
                lag(events.position) OVER account AS position_before,
                lag(events.sequence, 1, 0::bigint) OVER account AS sequence_before,
                lag(events.recorded_at) OVER account AS recorded_before,
                lag(events.hash) OVER account AS hash_before
            FROM ledger.events
            WINDOW account AS (PARTITION BY events.account_id ORDER BY events.sequence, events.journal, events.position)
        ) AS placed
        WHERE placed.sequence <> placed.sequence_before + 1
            OR placed.previous_hash IS DISTINCT FROM placed.hash_before
            OR placed.journal <> placed.journal_before
            OR placed.position <= placed.position_before
            OR placed.recorded_at <= placed.recorded_before
        ORDER BY placed.journal, placed.position
        LIMIT 1
    );
    RETURN NEXT;

    check_name := 'balance and holds are the sums of what moved';
    fault := (
        SELECT format('account %s, sequence %s (journal %s, position %s): balance %s and held %s, sums %s and %s',
            summed.account_id, summed.sequence, summed.journal, summed.position,
            coalesce(summed.balance_after::text, 'absent'), coalesce(summed.held_after::text, 'absent'),
            summed.balance, summed.held)
        FROM (
            SELECT events.journal, events.position, events.account_id, events.sequence, events.type,
                events.balance_after, events.held_after,
                sum(
                    CASE
                        WHEN events.type IN ('credits.added', 'credits.adjusted') THEN events.amount
                        WHEN events.type IN ('credits.expired', 'credits.debited') THEN -events.amount
                        ELSE 0
                    END
                ) OVER account AS balance,
                sum(
                    CASE
                        WHEN events.type = 'credits.held' THEN events.amount
                        WHEN events.type IN ('credits.released', 'credits.debited') THEN -events.amount
                        ELSE 0
                    END
                ) OVER account AS held
            FROM ledger.events
            WINDOW account AS (PARTITION BY events.journal, events.account_id ORDER BY events.sequence)
        ) AS summed
        WHERE (
            summed.type IN (
                'credits.added', 'credits.adjusted', 'credits.expired', 'credits.debited', 'credits.held',
                'credits.released'
            ) OR summed.balance_after IS NOT NULL OR summed.held_after IS NOT NULL
        )
        AND (
            summed.balance_after IS DISTINCT FROM summed.balance
            OR summed.held_after IS DISTINCT FROM summed.held
            OR summed.held NOT BETWEEN 0 AND summed.balance
        )
        ORDER BY summed.journal, summed.position
        LIMIT 1
    );
    RETURN NEXT;

    check_name := 'every journal ends at its head';
    SELECT count(*) INTO checked FROM ledger.journals;
    fault := coalesce(
        (
            SELECT format('journal %s: the head is at position %s and the last event at %s',
                ends.journal, coalesce(ends.head::text, 'none'), ends.last)
            FROM (
                SELECT coalesce(journals.journal, last.journal) AS journal, journals.position AS head,
                    coalesce(last.position, 0) AS last
                FROM ledger.journals
                FULL JOIN (
                    SELECT events.journal, max(events.position) AS position FROM ledger.events GROUP BY events.journal
                ) AS last ON journals.journal = last.journal
            ) AS ends
            WHERE ends.head IS DISTINCT FROM ends.last
            ORDER BY ends.journal
            LIMIT 1
        ),
        (
            SELECT format('journal %s: the head hash is not the running hash of its events', journals.journal)
            FROM ledger.journals
            LEFT JOIN LATERAL ledger.journal_chain(journals.journal, journals.position, journals.position) AS chain
                ON true
            WHERE journals.head_hash IS DISTINCT FROM coalesce(chain.head_hash, decode(repeat('00', 32), 'hex'))
            ORDER BY journals.journal
            LIMIT 1
        )
    );
    RETURN NEXT;

    check_name := 'every account ends at its head';
    SELECT count(*) INTO checked FROM ledger.accounts;
    fault := (
        SELECT format('account %s in journal %s: its row says sequence %s, its last event %s', ends.account_id,
            ends.journal, coalesce(ends.head::text, 'none'), coalesce(ends.last::text, 'none'))
        FROM (
            SELECT coalesce(accounts.journal, last.journal) AS journal,
                coalesce(accounts.account_id, last.account_id) AS account_id,
                accounts.sequence AS head, last.sequence AS last,
                accounts.head_hash IS DISTINCT FROM last.hash AS has_other_hash
            FROM ledger.accounts
            FULL JOIN (
                SELECT DISTINCT ON (events.journal, events.account_id)
                    events.journal, events.account_id, events.sequence, events.hash
                FROM ledger.events
                ORDER BY events.journal, events.account_id, events.sequence DESC
            ) AS last ON accounts.journal = last.journal AND accounts.account_id = last.account_id
        ) AS ends
        WHERE ends.head IS DISTINCT FROM ends.last OR ends.has_other_hash
        ORDER BY ends.journal, ends.account_id
        LIMIT 1
    );
    RETURN NEXT;

    check_name := 'the fences around the events stand';
    SELECT count(*) INTO checked FROM pg_inherits WHERE inhparent = 'ledger.events'::regclass;
    fault := (SELECT faults.object || ' ' || faults.fault FROM ledger.fence_faults() AS faults LIMIT 1);
    RETURN NEXT;
END
$$;
