-- The trace of the request that began a run, as `traceparent` and `tracestate` had it, so that whichever process goes on with
-- the run or reports its end goes on with the trace as well. With the results it outlives the task, for the report.
ALTER TABLE ledger.run_tasks
    ADD COLUMN traceparent text,
    ADD COLUMN tracestate text;
ALTER TABLE ledger.execution_results
    ADD COLUMN traceparent text,
    ADD COLUMN tracestate text;

-- Documents that their owners show to everybody. What was saved before is shown once it is saved again: nobody's document
-- becomes public by a migration.
ALTER TABLE ledger.workflow_documents ADD COLUMN is_template boolean NOT NULL DEFAULT false;
CREATE INDEX workflow_documents_templates ON ledger.workflow_documents (journal, account_id, slug, version)
WHERE is_template;
