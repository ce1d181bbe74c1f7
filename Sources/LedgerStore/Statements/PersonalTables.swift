internal import Ledger
internal import Postgres

/// A table with rows that say something about persons. What an erasure deletes is listed here and nowhere else: a new table
/// with an account's data joins ``PersonalTables/all``, or a test of the schema fails.
protocol PersonalTable: SendableMetatype {
    /// The table's name, in the schema `ledger`.
    static var table: String { get }
    /// Gives the `ctid` of each row of account `$2` in journal `$1`.
    static var rows: String { get }
}

extension PersonalTable {
    /// The rows of a table that names the account in each of them.
    static var rows: String {
        "SELECT t.ctid FROM ledger.\(table) t WHERE t.journal = $1 AND t.account_id = $2"
    }

    /// The rows of a table that names one of the account's keys in each of them.
    static var keyRows: String {
        """
        SELECT t.ctid FROM ledger.api_keys k CROSS JOIN LATERAL (
            SELECT x.ctid FROM ledger.\(table) x WHERE x.journal = $1 AND x.key_id = k.key_id OFFSET 0
        ) t WHERE k.journal = $1 AND k.account_id = $2
        """
    }
}

enum PersonalTables {
    enum Contacts: PersonalTable {
        static let table = "account_contacts"
    }

    enum Texts: PersonalTable {
        static let table = "private_texts"
    }

    enum Tasks: PersonalTable {
        static let table = "run_tasks"
    }

    enum Results: PersonalTable {
        static let table = "execution_results"
        static let rows = """
            SELECT t.ctid FROM ledger.ended_executions e CROSS JOIN LATERAL (
                SELECT x.ctid FROM ledger.execution_results x
                WHERE x.journal = $1 AND x.execution_id = e.execution_id OFFSET 0
            ) t WHERE e.journal = $1 AND e.account_id = $2
            """
    }

    enum Answers: PersonalTable {
        static let table = "idempotency"
    }

    enum Documents: PersonalTable {
        static let table = "workflow_documents"
    }

    enum Attempts: PersonalTable {
        static let table = "webhook_attempts"
        static let rows = """
            SELECT t.ctid FROM ledger.api_keys k CROSS JOIN LATERAL (
                SELECT d.delivery_id FROM ledger.webhook_deliveries d
                WHERE d.journal = $1 AND d.key_id = k.key_id OFFSET 0
            ) sent CROSS JOIN LATERAL (
                SELECT x.ctid FROM ledger.webhook_attempts x
                WHERE x.journal = $1 AND x.delivery_id = sent.delivery_id OFFSET 0
            ) t WHERE k.journal = $1 AND k.account_id = $2
            """
    }

    enum Deliveries: PersonalTable {
        static let table = "webhook_deliveries"
        static var rows: String { keyRows }
    }

    enum Webhooks: PersonalTable {
        static let table = "webhooks"
        static var rows: String { keyRows }
    }

    enum KeyUses: PersonalTable {
        static let table = "api_key_uses"
        static var rows: String { keyRows }
    }

    enum Reads: PersonalTable {
        static let table = "read_windows"
    }

    enum PaymentMethods: PersonalTable {
        static let table = "payment_methods"
    }

    enum PaymentCharges: PersonalTable {
        static let table = "payment_charges"
    }

    /// Every table that an erasure empties of an account's rows, in the order in which it does.
    static let all: [any PersonalTable.Type] = [
        Contacts.self, Texts.self, Tasks.self, Results.self, Answers.self, Documents.self, Attempts.self,
        Deliveries.self, Webhooks.self, KeyUses.self, Reads.self, PaymentMethods.self, PaymentCharges.self,
    ]

    /// Tables that name accounts and say nothing of persons: ids, amounts, moments, names of models and slugs of workflows.
    static let kept: Set<String> = [
        "accounts", "api_keys", "auto_top_ups", "commands", "data_keys", "ended_executions", "erasures", "events",
        "grants", "holds", "invoice_item_runs", "payment_events", "pots", "rate_windows", "workflow_nodes",
        "workflow_slugs", "workflows",
    ]

    static let statements: [any PostgresStatement.Type] = all.flatMap { statements(of: $0) }

    private static func statements<T: PersonalTable>(of table: T.Type) -> [any PostgresStatement.Type] {
        [CountPersonalRows<T>.self, ErasePersonalRows<T>.self]
    }
}

/// Which tables of the ledger say something about persons, for whoever checks that all are known.
public enum PersonalData {
    /// Tables that an erasure empties of an account's rows.
    public static var erasedTables: [String] { PersonalTables.all.map { $0.table } }
    /// Tables that name accounts or their keys, and that an erasure leaves as they are.
    public static var keptTables: Set<String> { PersonalTables.kept }
}

/// How many rows of an account a table has.
struct CountPersonalRows<T: PersonalTable>: AccountStatement {
    static var name: String { "count_personal_\(T.table)" }
    static var sql: String { "SELECT count(*) FROM (\(T.rows)) counted" }

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}

/// Deletes up to 1,000 rows of an account whose erasure was decided, and adds their number to the erasure; gives the number.
struct ErasePersonalRows<T: PersonalTable>: AccountStatement {
    static var name: String { "erase_personal_\(T.table)" }
    static var sql: String {
        """
        WITH gone AS (
            DELETE FROM ledger.\(T.table) WHERE ctid = ANY(ARRAY(
                \(T.rows) AND EXISTS (
                    SELECT FROM ledger.erasures d WHERE d.journal = $1 AND d.account_id = $2
                ) LIMIT 1000
            )) RETURNING 1
        ), counted AS (
            SELECT count(*) AS rows FROM gone
        ), noted AS (
            UPDATE ledger.erasures SET rows_erased = jsonb_set(
                rows_erased::jsonb, ARRAY['\(T.table)'],
                to_jsonb(coalesce((rows_erased::jsonb ->> '\(T.table)')::bigint, 0) + counted.rows)
            )::text
            FROM counted WHERE erasures.journal = $1 AND erasures.account_id = $2 AND counted.rows > 0
        )
        SELECT rows FROM counted
        """
    }

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}
