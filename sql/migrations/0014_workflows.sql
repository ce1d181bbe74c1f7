-- Workflows: graphs of models and other nodes that their owners save and run.

-- Whose a workflow's slug is, on the whole platform. Taken in the transaction that saves the first document, and never given
-- back. It belongs to no journal: it is what journals agree on.
CREATE TABLE ledger.workflow_slugs (
    slug text PRIMARY KEY CHECK (octet_length(slug) BETWEEN 1 AND 100),
    account_id uuid NOT NULL
);

-- What the events say of workflows. A row stays when its workflow is deleted.
CREATE TABLE ledger.workflows (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    slug text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    created_at timestamptz NOT NULL,
    saved_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (journal, account_id, slug)
) WITH (fillfactor = 70);

-- The documents, as canonical JSON: what people write enters no event, whose digest of it does. Written in the transaction
-- of the event. Older versions are kept for a while, and for as long as a run of theirs is under way.
CREATE TABLE ledger.workflow_documents (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    slug text NOT NULL,
    version integer NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (journal, account_id, slug, version)
);

-- Which runs are nodes of which workflow's run, as the events of their holds say.
CREATE TABLE ledger.workflow_nodes (
    journal smallint NOT NULL,
    account_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    run_id uuid NOT NULL,
    node text NOT NULL,
    model text NOT NULL,
    PRIMARY KEY (journal, execution_id)
);
CREATE INDEX workflow_nodes_by_run ON ledger.workflow_nodes (journal, run_id);
-- What the audit of one account reads.
CREATE INDEX workflow_nodes_by_account ON ledger.workflow_nodes (journal, account_id);

-- A workflow's run is a run like any other, but for what it can cost, which may not be known before it has begun.
ALTER TABLE ledger.holds
    DROP CONSTRAINT holds_quote_check,
    ADD CONSTRAINT holds_quote_check CHECK (quote > 0 OR (quote = 0 AND model LIKE 'workflow:%'));
ALTER TABLE ledger.run_tasks
    DROP CONSTRAINT run_tasks_quote_check,
    ADD CONSTRAINT run_tasks_quote_check CHECK (quote > 0 OR (quote = 0 AND model LIKE 'workflow:%'));
ALTER TABLE ledger.ended_executions
    DROP CONSTRAINT executions_quote_check,
    DROP CONSTRAINT executions_check,
    ADD CONSTRAINT ended_executions_quote_check CHECK (quote > 0 OR (quote = 0 AND model LIKE 'workflow:%')),
    ADD CONSTRAINT ended_executions_charged_check CHECK (
        charged >= 0 AND (charged <= quote OR model LIKE 'workflow:%')
    );
