import Testing

/// Something that nobody may do, and what stops whom.
///
/// 42501 is a missing right, LG010 the trigger of append-only tables, LG011 the guard of the ledger's objects.
struct Attempt: Sendable, CustomTestStringConvertible {
    let name: String
    let sql: String
    /// What stops the service, finance and auditors.
    var others = "42501"
    /// What stops the migrator and the owner.
    let owner: String
    /// What stops a superuser; nil when it is not a matter of superusers.
    let superuser: String?

    var testDescription: String { name }

    func expected(_ actor: FencedLedger.Actor) -> String? {
        switch actor {
        case .service, .finance, .auditor: others
        case .migrator, .owner: owner
        case .superuser: superuser
        }
    }

    private static func rows(_ name: String, _ sql: String) -> Attempt {
        Attempt(name: name, sql: sql, owner: "42501", superuser: "LG010")
    }

    private static func objects(_ name: String, _ sql: String, owner: String = "LG011") -> Attempt {
        Attempt(name: name, sql: sql, owner: owner, superuser: "LG011")
    }

    /// Ways to change or remove events.
    static let onRows: [Attempt] = [
        rows("UPDATE the table", "UPDATE ledger.events SET amount = 1 WHERE position = 3"),
        rows("UPDATE a partition", "UPDATE ledger.events_000000 SET amount = 1 WHERE position = 3"),
        rows("move a row to another partition", "UPDATE ledger.events SET position = 20000000 WHERE position = 3"),
        rows("DELETE from the table", "DELETE FROM ledger.events WHERE position = 3"),
        rows("DELETE from a partition", "DELETE FROM ledger.events_000000 WHERE position = 3"),
        rows("TRUNCATE the table", "TRUNCATE ledger.events"),
        rows("TRUNCATE a partition", "TRUNCATE ledger.events_000000"),
        rows("TRUNCATE with everything that refers to it", "TRUNCATE ledger.events, ledger.journals CASCADE"),
        rows(
            "INSERT over an event",
            "INSERT INTO ledger.events SELECT * FROM ledger.events WHERE position = 3 "
                + "ON CONFLICT (journal, position) DO UPDATE SET amount = 1"
        ),
        rows(
            "MERGE an event away",
            "MERGE INTO ledger.events AS event USING (SELECT 3::bigint AS position) AS old "
                + "ON event.position = old.position WHEN MATCHED THEN DELETE"
        ),
        rows(
            "UPDATE as a replica would",
            "SET session_replication_role = replica; UPDATE ledger.events SET amount = 1 WHERE position = 3"
        ),
        rows("TRUNCATE as a replica would", "SET session_replication_role = replica; TRUNCATE ledger.events_000000"),
        Attempt(
            name: "UPDATE after granting oneself the right",
            sql:
                "GRANT UPDATE ON ledger.events TO CURRENT_USER; UPDATE ledger.events SET amount = 1 WHERE position = 3",
            owner: "LG010",
            superuser: "LG010"
        ),
        Attempt(
            name: "TRUNCATE a partition after granting oneself the right",
            sql: "GRANT TRUNCATE ON ledger.events_000000 TO CURRENT_USER; TRUNCATE ledger.events_000000",
            owner: "LG010",
            superuser: "LG010"
        ),
        rows("forget who changed the ledger", "DELETE FROM ledger_guard.migration_windows"),
        rows("forget everything of it", "TRUNCATE ledger_guard.migration_windows"),
        rows("rewrite who changed the ledger", "UPDATE ledger_guard.migration_windows SET reason = 'nothing'"),
        Attempt(
            name: "invent a migration window",
            sql: "INSERT INTO ledger_guard.migration_windows (scope, reason) VALUES ('session', 'none')",
            owner: "42501",
            superuser: nil
        ),
    ]

    /// Ways to take down the fences, or the tables with them.
    static let onObjects: [Attempt] = [
        objects("detach a partition", "ALTER TABLE ledger.events DETACH PARTITION ledger.events_000001"),
        objects(
            "detach a partition in the background",
            "ALTER TABLE ledger.events DETACH PARTITION ledger.events_000001 CONCURRENTLY"
        ),
        objects("drop a partition", "DROP TABLE ledger.events_000001"),
        objects("drop the table", "DROP TABLE ledger.events CASCADE"),
        objects("drop the schema", "DROP SCHEMA ledger CASCADE"),
        objects("drop a column", "ALTER TABLE ledger.events DROP COLUMN detail CASCADE"),
        objects("change a column's type", "ALTER TABLE ledger.events ALTER COLUMN balance_after TYPE numeric"),
        objects("disable a trigger", "ALTER TABLE ledger.events DISABLE TRIGGER refuse_change"),
        objects("disable every trigger of a partition", "ALTER TABLE ledger.events_000000 DISABLE TRIGGER USER"),
        objects("have a trigger fire for users only", "ALTER TABLE ledger.events ENABLE TRIGGER refuse_change"),
        objects("drop a trigger", "DROP TRIGGER refuse_change ON ledger.events"),
        objects("drop a partition's trigger", "DROP TRIGGER refuse_truncate ON ledger.events_000000"),
        objects("rename a trigger", "ALTER TRIGGER refuse_truncate ON ledger.events RENAME TO nothing"),
        objects(
            "add a trigger that drops events",
            "CREATE TRIGGER aa BEFORE INSERT ON ledger.events_000000 FOR EACH ROW "
                + "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
        objects("add a rule that drops events", "CREATE RULE aa AS ON INSERT TO ledger.events DO INSTEAD NOTHING"),
        objects("hide events", "ALTER TABLE ledger.events ENABLE ROW LEVEL SECURITY"),
        objects("drop the tripwire index", "DROP INDEX ledger.events_000000_sequence"),
        objects("drop the tripwire index in the background", "DROP INDEX CONCURRENTLY ledger.events_000000_sequence"),
        objects("drop all that the owner owns", "DROP OWNED BY runledger_owner CASCADE"),
        objects(
            "replace a hash function",
            "CREATE OR REPLACE FUNCTION ledger.event_hash(event ledger.events) RETURNS bytea LANGUAGE sql "
                + "AS 'SELECT event.hash'"
        ),
        objects("drop a hash function", "DROP FUNCTION ledger.event_hash(ledger.events)"),
        objects("drop a projection", "DROP TABLE ledger.accounts CASCADE"),
        objects("hide the table elsewhere", "ALTER TABLE ledger.events SET SCHEMA public", owner: "42501"),
        objects("rename the schema", "ALTER SCHEMA ledger RENAME TO old", owner: "42501"),
        objects("give the table away", "ALTER TABLE ledger.events OWNER TO postgres", owner: "42501"),
        objects(
            "replace the guard",
            "CREATE OR REPLACE FUNCTION ledger_guard.refuse_change() RETURNS trigger LANGUAGE plpgsql "
                + "AS 'BEGIN RETURN NULL; END'",
            owner: "42501"
        ),
        objects("drop the guard", "DROP FUNCTION ledger_guard.refuse_change() CASCADE", owner: "42501"),
        objects("drop the record of windows", "DROP TABLE ledger_guard.migration_windows CASCADE", owner: "42501"),
        Attempt(
            name: "drop the event trigger",
            sql: "DROP EVENT TRIGGER ledger_refuse_drop",
            owner: "42501",
            superuser: nil
        ),
        Attempt(
            name: "disable the event trigger",
            sql: "ALTER EVENT TRIGGER ledger_refuse_ddl_end DISABLE",
            owner: "42501",
            superuser: nil
        ),
    ]
}
