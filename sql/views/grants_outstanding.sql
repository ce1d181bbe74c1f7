-- Free runs that accounts can still have: grants that are neither revoked nor over. A count has `runs_left`; a time window
-- has no number, only `closes_at` once its first run has opened it. `runs_held` are under way.
CREATE OR REPLACE VIEW ledger.grants_outstanding AS
SELECT
    grants.journal,
    grants.account_id,
    grants.grant_id,
    grants.model,
    CASE WHEN grants.runs IS NULL THEN 'window' ELSE 'runs' END AS kind,
    grants.runs,
    grants.runs - grants.used - grants.held AS runs_left,
    grants.used AS runs_used,
    grants.held AS runs_held,
    grants.window_seconds,
    grants.opened_at,
    grants.closes_at,
    grants.expires_at
FROM ledger.grants
WHERE
    NOT grants.revoked
    AND (grants.expires_at IS NULL OR grants.expires_at > now())
    AND (grants.closes_at IS NULL OR grants.closes_at > now())
    AND (grants.runs IS NULL OR grants.used < grants.runs);
