import LedgerStore
import LedgerTestSupport
import TestSupport

/// SQL that changes the ledger's tables, column by column, and puts them back.
enum TamperedTables {
    private static let all = ["events", "journals"] + projectionTables

    /// Keeps a copy of every table.
    static var keepCopies: String {
        "CREATE SCHEMA copies;"
            + all.map { "CREATE TABLE copies.\($0) AS TABLE ledger.\($0);" }.joined()
    }

    /// Makes every table what it was when the copies were made.
    static var putBack: String {
        """
        BEGIN;
        SELECT ledger_guard.open_migration_window('a test repairs');
        ALTER TABLE ledger.events DISABLE TRIGGER USER;
        """ + all.map { "DELETE FROM ledger.\($0); INSERT INTO ledger.\($0) TABLE copies.\($0);" }.joined() + "COMMIT;"
    }

    /// Removes a table's checks, as whoever can change the rows could.
    static func dropChecks(of table: String) -> String {
        """
        DO $$
        DECLARE name text;
        BEGIN
            FOR name IN SELECT conname FROM pg_constraint
                WHERE conrelid = 'ledger.\(table)'::regclass AND contype = 'c'
            LOOP EXECUTE format('ALTER TABLE ledger.\(table) DROP CONSTRAINT %I', name); END LOOP;
        END
        $$
        """
    }

    /// Adds a copy of a row with other values in some columns.
    static func insertCopy(of table: String, changing: [String: String], where place: String) -> String {
        let values = changing.map { "'\($0.key)', (\($0.value))::text" }.joined(separator: ", ")
        return """
            INSERT INTO ledger.\(table)
            SELECT (jsonb_populate_record(t, jsonb_build_object(\(values)))).* FROM ledger.\(table) t WHERE \(place)
            """
    }

    /// A column of one of the ledger's tables.
    struct Column {
        let name: String
        let type: String
        let isNullable: Bool

        /// SQL for a value that differs from the column's in one byte.
        var changed: String {
            switch type {
            case "smallint": "1 - \(name)"
            case "bigint", "integer": "\(name) + 1"
            case "boolean": "NOT \(name)"
            case "uuid":
                """
                (overlay(\(name)::text PLACING
                    translate(right(\(name)::text, 1), '0123456789abcdef', '1032547698badcfe') FROM 36))::uuid
                """
            case "text": "overlay(\(name) PLACING chr(ascii(right(\(name), 1)) # 1) FROM length(\(name)))"
            case "bytea": "set_byte(\(name), 7, get_byte(\(name), 7) # 1)"
            case "timestamp with time zone": "\(name) + interval '1 microsecond'"
            case "ARRAY": "\(name) || ARRAY['model:rum']"
            default: preconditionFailure("no damage for the type \(type)")
            }
        }

        /// SQL for some value of the column's type.
        var example: String {
            switch type {
            case "bigint": "7"
            case "uuid": "gen_random_uuid()"
            case "timestamp with time zone": "'2027-02-03 04:05:06Z'"
            default: "'text'"
            }
        }

        /// What a change of this column in an event shows as.
        var eventFinding: VerificationFinding.Kind {
            switch name {
            case "version": .version
            case "account_id", "sequence": .sequence
            case "type", "detail": .unreadable
            case "previous_hash": .previousHash
            default: .hash
            }
        }
    }

    /// The columns of a table, in order.
    static func columns(of table: String) async throws -> [Column] {
        let rows = try await psql(
            """
            SELECT column_name, data_type, is_nullable FROM information_schema.columns
            WHERE table_schema = 'ledger' AND table_name = '\(table)' ORDER BY ordinal_position
            """
        )
        return rows.split(separator: "\n").map { row in
            let parts = row.split(separator: "\t").map(String.init)
            return Column(name: parts[0], type: parts[1], isNullable: parts[2] == "YES")
        }
    }
}
