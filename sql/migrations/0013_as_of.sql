-- Questions about the past. `events_balances` answers what an account had at any moment by one probe of the index alone;
-- it has an entry for each event that moves credits. `events_late` finds what was recorded later and counts from
-- earlier: corrections and late facts, of which there are few. Both come with every new partition.
CREATE INDEX events_balances ON ledger.events (journal, account_id, recorded_at)
    INCLUDE (position, sequence, balance_after, held_after) WHERE balance_after IS NOT NULL;

CREATE INDEX events_late ON ledger.events (journal, account_id, recorded_at)
    WHERE type = 'credits.adjusted' OR effective_at < recorded_at;

-- An event in the explanation of a number. The changes add up to the number, in its unit: micro-credits, runs, seconds
-- or requests. Events without a change decided by what they say, not by an amount.
CREATE TYPE ledger.explanation AS (
    sequence bigint,
    "position" bigint,
    recorded_at timestamptz,
    type text,
    change bigint,
    rule text,
    price_version text,
    model text,
    execution_id uuid,
    pot_id uuid,
    grant_id uuid
);
