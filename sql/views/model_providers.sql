-- Which provider each model's definition named when: from the moment on at which a service first used a version, until the
-- next version was. `until_at` is NULL for the version in use. `provider_model` is the provider's name for the model, or the default of
-- one that is set from outside; NULL where it depends on the inputs.
CREATE OR REPLACE VIEW ledger.model_providers AS
SELECT
    definitions.model,
    definitions.version,
    substring(definitions.provider_text FROM '(?n)^name:[[:space:]]*["'']?([A-Za-z0-9_.-]+)') AS provider,
    definitions.first_seen_at AS from_at,
    lead(definitions.first_seen_at) OVER (
        PARTITION BY definitions.model ORDER BY definitions.first_seen_at, definitions.version
    ) AS until_at,
    substring(
        definitions.model_text
        FROM '(?n)^[[:space:]]+model:[[:space:]]*["'']?(?:\$\{[A-Za-z0-9_]+:-)?([A-Za-z0-9][A-Za-z0-9_./:-]*)'
    ) AS provider_model
FROM ledger.definition_versions AS definitions;
