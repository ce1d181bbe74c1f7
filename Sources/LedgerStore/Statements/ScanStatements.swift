internal import Ledger
internal import Postgres

/// A statement that reads all of a journal's rows of one projection, for verify and rebuild.
protocol JournalScan: PostgresStatement {
    init(journal: JournalID)
    var journal: JournalID { get }
    /// The projection's table.
    static var table: String { get }
    /// The column of the account.
    static var accountColumn: Int { get }
}

extension JournalScan {
    static var parameterTypes: [PostgresType] { [.int2] }
    static var accountColumn: Int { 0 }

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }
}

struct ScanAccounts: JournalScan {
    static let name = "scan_accounts"
    static let table = "accounts"
    static let sql = "SELECT \(LoadAccounts.columns) FROM ledger.accounts WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Account { try LoadAccounts.decode(row) }
}

struct ScanPots: JournalScan {
    static let name = "scan_pots"
    static let table = "pots"
    static let sql = "SELECT \(LoadPots.columns) FROM ledger.pots WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Pot> {
        try LoadPots.decode(row)
    }
}

struct ScanGrants: JournalScan {
    static let name = "scan_grants"
    static let table = "grants"
    static let sql = "SELECT \(LoadGrants.columns) FROM ledger.grants WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Grant> {
        try LoadGrants.decode(row)
    }
}

struct ScanHolds: JournalScan {
    static let name = "scan_holds"
    static let table = "holds"
    static let sql = "SELECT \(LoadHolds.columns) FROM ledger.holds WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<OpenRun> {
        try OpenRun.decode(row)
    }
}

struct ScanWindows: JournalScan {
    static let name = "scan_windows"
    static let table = "rate_windows"
    static let sql = "SELECT account_id, route, minute, count FROM ledger.rate_windows WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<RouteWindow> {
        try LoadWindows.decode(row)
    }
}

struct ScanEndedExecutions: JournalScan {
    static let name = "scan_ended_executions"
    static let table = "ended_executions"
    static let accountColumn = 1
    static let sql = "SELECT \(LoadEndedExecutions.columns) FROM ledger.ended_executions WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Execution> {
        try LoadEndedExecutions.decode(row)
    }
}

struct ScanKeys: JournalScan {
    static let name = "scan_keys"
    static let table = "api_keys"
    static let accountColumn = 1
    static let sql = "SELECT \(LoadKeys.columns) FROM ledger.api_keys WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<APIKey> {
        let key = try LoadKeys.decode(row)
        // Whoever uses a key passes over what it can't read; whoever verifies it does not.
        guard key.value.capabilities.map(\.text) == (try row.textArray(4)) else {
            throw PostgresDecodingError(column: 4, reason: "a capability that is none")
        }
        return key
    }
}

struct ScanCommands: JournalScan {
    static let name = "scan_commands"
    static let table = "commands"
    static let sql = "SELECT account_id, command_id FROM ledger.commands WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<CommandID> {
        try LoadCommands.decode(row)
    }
}

struct ScanTopUps: JournalScan {
    static let name = "scan_top_ups"
    static let table = "auto_top_ups"
    static let sql = "SELECT \(LoadTopUps.columns) FROM ledger.auto_top_ups WHERE journal = $1"
    let journal: JournalID
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<AutoTopUp> {
        try LoadTopUps.decode(row)
    }
}

/// Empties a journal's projections, in the transaction that puts rebuilt rows in their place.
struct ClearProjections: PostgresStatement {
    typealias Row = Void
    static let name = "clear_projections"
    static let parameterTypes: [PostgresType] = [.int2]
    static let sql = """
        WITH a AS (DELETE FROM ledger.accounts WHERE journal = $1), p AS (DELETE FROM ledger.pots WHERE journal = $1),
            g AS (DELETE FROM ledger.grants WHERE journal = $1), h AS (DELETE FROM ledger.holds WHERE journal = $1),
            w AS (DELETE FROM ledger.rate_windows WHERE journal = $1),
            e AS (DELETE FROM ledger.ended_executions WHERE journal = $1),
            k AS (DELETE FROM ledger.api_keys WHERE journal = $1),
            t AS (DELETE FROM ledger.auto_top_ups WHERE journal = $1),
            f AS (DELETE FROM ledger.workflows WHERE journal = $1),
            n AS (DELETE FROM ledger.workflow_nodes WHERE journal = $1)
        DELETE FROM ledger.commands WHERE journal = $1
        """
    let journal: JournalID
    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }
}
