-- Which provider each model's definition named when: from the moment on at which a service first used a version, until the
-- next version was. `until_at` is NULL for the version in use.
CREATE OR REPLACE VIEW ledger.model_providers AS
SELECT
    definitions.model,
    definitions.version,
    substring(definitions.provider_text FROM '(?n)^name:[[:space:]]*["'']?([A-Za-z0-9_.-]+)') AS provider,
    definitions.first_seen_at AS from_at,
    lead(definitions.first_seen_at) OVER (
        PARTITION BY definitions.model ORDER BY definitions.first_seen_at, definitions.version
    ) AS until_at
FROM ledger.definition_versions AS definitions;
