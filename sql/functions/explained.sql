-- An event as a line of an explanation, with what it changes of the number.
CREATE OR REPLACE FUNCTION ledger.explained(event ledger.events, change bigint)
RETURNS ledger.explanation
LANGUAGE sql STABLE
AS $$
    SELECT ROW(
        event.sequence, event.position, event.recorded_at, event.type, explained.change,
        ledger.event_rule(event.type, event.detail), event.price_version, event.model, event.execution_id,
        event.pot_id, event.grant_id
    )::ledger.explanation
$$;
