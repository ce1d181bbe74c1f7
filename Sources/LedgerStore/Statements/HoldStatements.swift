internal import Ledger
internal import Postgres

/// A run under way: its hold and, in the same row, the run itself.
struct OpenRun: Hashable, Sendable {
    let hold: Hold
    let execution: Execution
}

/// Where a row is, for as long as the lock under which it was read is held (`ctid`).
struct RowPlace: Hashable, Sendable {
    let block: UInt32
    let item: UInt16
}

/// Runs under way by account and id, each with the place of its row.
struct LoadHolds: PostgresStatement {
    static let name = "load_holds"
    static let sql = """
        SELECT h.ctid, \(columns.qualified(by: "h"))
        FROM unnest($2::uuid[], $3::uuid[]) wanted (account_id, hold_id)
        CROSS JOIN LATERAL (
            SELECT t.*, t.ctid FROM ledger.holds t
            WHERE t.journal = $1 AND t.account_id = wanted.account_id AND t.hold_id = wanted.hold_id OFFSET 0
        ) h
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .uuidArray]
    static let columns = """
        account_id, hold_id, amount, grant_id, draws, expires_at, policy, request_id, key_id, model, quote,
        price_version, instance, admitted_at, deadline_at, status, provider_request_id, is_async, submitted_at,
        cancel_requested_at
        """

    let journal: JournalID
    let holds: [ProjectionRow<HoldID>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: holds) { $0.id($1.account) }
        parameters.column(.uuid, of: holds) { $0.id($1.value) }
    }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (run: ProjectionRow<OpenRun>, place: RowPlace) {
        let (block, item) = try row.tid(0)
        return (try OpenRun.decode(row, from: 1), RowPlace(block: block, item: item))
    }
}

extension OpenRun {
    /// Decodes `LoadHolds.columns`, which begin at a column.
    static func decode(
        _ row: PostgresRow,
        from first: Int = 0
    ) throws(PostgresDecodingError) -> ProjectionRow<OpenRun> {
        guard let draws = Hold.draws(from: try row.text(first + 4)) else {
            throw PostgresDecodingError(column: first + 4, reason: "draws that are no pairs of pot and amount")
        }
        let id: HoldID = try row.id(first + 1)
        let grantID: GrantID? = try row.optionalID(first + 3)
        let hold = Hold(
            id: id,
            executionID: ExecutionID(id.value),
            amount: try row.credits(first + 2),
            grantID: grantID,
            draws: draws,
            expiresAt: try row.time(first + 5),
            policy: try row.word(first + 6)
        )
        var execution = Execution(
            id: hold.executionID,
            requestID: try row.optionalID(first + 7),
            keyID: try row.id(first + 8),
            model: try row.text(first + 9),
            holdID: id,
            grantID: grantID,
            quote: try row.credits(first + 10),
            priceVersion: try row.text(first + 11),
            instance: try row.int8(first + 12),
            admittedAt: try row.time(first + 13),
            deadlineAt: try row.time(first + 14),
            isAsync: try row.bool(first + 17)
        )
        execution.status = try row.word(first + 15)
        execution.providerRequestID = try row.optionalText(first + 16)
        execution.submittedAt = try row.optionalTime(first + 18)
        execution.cancelRequestedAt = try row.optionalTime(first + 19)
        return ProjectionRow(try row.id(first), OpenRun(hold: hold, execution: execution))
    }
}

/// Every run under way of some accounts whose hold expired by a moment: with fewer of them, a refusal could be due to the
/// others.
struct LoadExpiredHolds: PostgresStatement {
    static let name = "load_expired_holds"
    static let sql = """
        SELECT h.ctid, \(LoadHolds.columns.qualified(by: "h")) FROM unnest($2::uuid[]) wanted (id)
        CROSS JOIN LATERAL (
            SELECT t.*, t.ctid FROM ledger.holds t
            WHERE t.journal = $1 AND t.account_id = wanted.id AND t.expires_at <= $3 OFFSET 0
        ) h
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .timestamptz]

    let journal: JournalID
    let accounts: [AccountID]
    let moment: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
        parameters.timestamptz(microseconds: moment.microseconds)
    }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (run: ProjectionRow<OpenRun>, place: RowPlace) {
        try LoadHolds.decode(row)
    }
}

/// Runs under way of a journal whose holds expired by a moment, at most 1,000.
struct LoadJournalExpiredHolds: PostgresStatement {
    static let name = "load_journal_expired_holds"
    static let sql = "SELECT \(LoadHolds.columns) FROM ledger.holds WHERE journal = $1 AND expires_at <= $2 LIMIT 1000"
    static let parameterTypes: [PostgresType] = [.int2, .timestamptz]

    let journal: JournalID
    let moment: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.timestamptz(microseconds: moment.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<OpenRun> {
        try OpenRun.decode(row)
    }
}

/// Inserts the rows of runs under way as they are now.
struct InsertHolds: PostgresStatement {
    typealias Row = Void
    static let name = "insert_holds"
    static let sql = """
        INSERT INTO ledger.holds (journal, \(LoadHolds.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
            unnest($10), unnest($11), unnest($12), unnest($13), unnest($14), unnest($15), unnest($16), unnest($17),
            unnest($18), unnest($19), unnest($20), unnest($21)
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .uuidArray, .int8Array, .uuidArray, .textArray, .timestamptzArray, .textArray, .uuidArray,
        .uuidArray, .textArray, .int8Array, .textArray, .int8Array, .timestamptzArray, .timestamptzArray, .textArray,
        .textArray, .boolArray, .timestamptzArray, .timestamptzArray,
    ]

    let journal: JournalID
    let runs: [ProjectionRow<OpenRun>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: runs) { $0.id($1.account) }
        parameters.column(.uuid, of: runs) { $0.id($1.value.hold.id) }
        parameters.column(.int8, of: runs) { $0.credits($1.value.hold.amount) }
        parameters.column(.uuid, of: runs) { $0.id($1.value.hold.grantID) }
        parameters.column(.text, of: runs) { $0.text($1.value.hold.drawsText) }
        parameters.column(.timestamptz, of: runs) { $0.time($1.value.hold.expiresAt) }
        parameters.column(.text, of: runs) { $0.text($1.value.hold.policy.rawValue) }
        parameters.column(.uuid, of: runs) { $0.id($1.value.execution.requestID) }
        parameters.column(.uuid, of: runs) { $0.id($1.value.execution.keyID) }
        parameters.column(.text, of: runs) { $0.text($1.value.execution.model) }
        parameters.column(.int8, of: runs) { $0.credits($1.value.execution.quote) }
        parameters.column(.text, of: runs) { $0.text($1.value.execution.priceVersion) }
        parameters.column(.int8, of: runs) { $0.int8($1.value.execution.instance) }
        parameters.column(.timestamptz, of: runs) { $0.time($1.value.execution.admittedAt) }
        parameters.column(.timestamptz, of: runs) { $0.time($1.value.execution.deadlineAt) }
        parameters.column(.text, of: runs) { $0.text($1.value.execution.status.rawValue) }
        parameters.column(.text, of: runs) { $0.text($1.value.execution.providerRequestID) }
        parameters.column(.bool, of: runs) { $0.bool($1.value.execution.isAsync) }
        parameters.column(.timestamptz, of: runs) { $0.time($1.value.execution.submittedAt) }
        parameters.column(.timestamptz, of: runs) { $0.time($1.value.execution.cancelRequestedAt) }
    }
}

/// Deletes the rows of runs that have ended or moved on, at the places where they were read under the same lock.
struct DeleteHolds: PostgresStatement {
    typealias Row = Void
    static let name = "delete_holds"
    static let sql = "DELETE FROM ledger.holds WHERE ctid = ANY($2) AND journal = $1"
    static let parameterTypes: [PostgresType] = [.int2, .tidArray]

    let journal: JournalID
    let places: [RowPlace]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.tid, of: places) { $0.tid(block: $1.block, item: $1.item) }
    }
}

/// The runs of a journal that are under way and have no task: nobody but the process that took them goes on with them.
struct LoadOpenExecutions: PostgresStatement {
    static let name = "load_open_executions"
    static let sql = """
        SELECT \(LoadHolds.columns.qualified(by: "h")) FROM ledger.holds h
        WHERE h.journal = $1 AND NOT EXISTS (
            SELECT FROM ledger.run_tasks t WHERE t.journal = h.journal AND t.execution_id = h.hold_id
        )
        ORDER BY h.hold_id
        """
    static let parameterTypes: [PostgresType] = [.int2]

    let journal: JournalID

    func encode(into parameters: inout ParameterEncoder) { parameters.journal(journal) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Execution> {
        let run = try OpenRun.decode(row)
        return ProjectionRow(run.account, run.value.execution)
    }
}
