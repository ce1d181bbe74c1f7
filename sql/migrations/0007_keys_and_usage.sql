-- What the rows of an account's usage show beyond what a run's end had to keep, and the order in which they are read.
ALTER TABLE ledger.ended_executions
    ADD COLUMN provider_microusd bigint,
    ADD COLUMN duration_ms bigint;

UPDATE ledger.ended_executions
SET
    provider_microusd = (ends.detail::json ->> 'provider_microusd')::bigint,
    duration_ms = (ends.detail::json ->> 'ms')::bigint
FROM ledger.events ends
WHERE
    ends.journal = ended_executions.journal AND ends.execution_id = ended_executions.execution_id
    AND ends.type IN ('execution.succeeded', 'execution.failed', 'execution.cancelled');

-- An account's runs by their admissions, which no two of them share. Status and model are what they are counted by.
CREATE INDEX ended_executions_by_admission
ON ledger.ended_executions (journal, account_id, admitted_at) INCLUDE (status, model);

-- When keys were last used: operational, not derived from events, a few seconds late, and written for many keys at once.
CREATE TABLE ledger.api_key_uses (
    journal smallint NOT NULL,
    key_id uuid NOT NULL,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (journal, key_id)
) WITH (fillfactor = 50);

-- How an account's owner can be reached. Personal data: in no event, in no hash, and deleted when asked for.
CREATE TABLE ledger.account_contacts (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    email text NOT NULL CHECK (octet_length(email) BETWEEN 3 AND 254),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (journal, account_id)
);
