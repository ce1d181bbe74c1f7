internal import Ledger
internal import Postgres

/// A scan of one account's rows.
struct AccountScan<Scan: JournalScan>: PostgresStatement {
    static var name: String { "\(Scan.name)_of_account" }
    static var sql: String { "\(Scan.sql) AND account_id = $2" }
    static var parameterTypes: [PostgresType] { [.int2, .uuid] }

    let scan: Scan
    let account: AccountID

    func encode(into parameters: inout ParameterEncoder) {
        scan.encode(into: &parameters)
        parameters.uuid(account.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Scan.Row { try Scan.decode(row) }
}

/// Reads events at places of their accounts' streams, as far as the next event has to follow them.
struct ReadStreamLinks: PostgresStatement {
    static let name = "read_stream_links"
    static let sql = """
        SELECT e.account_id, e.sequence, e.hash, e.recorded_at
        FROM unnest($2, $3) wanted(account_id, sequence)
        CROSS JOIN LATERAL (
            SELECT t.account_id, t.sequence, t.hash, t.recorded_at FROM ledger.events t
            WHERE t.journal = $1 AND t.account_id = wanted.account_id AND t.sequence = wanted.sequence OFFSET 0
        ) e
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .int8Array]

    let journal: JournalID
    let places: [(account: AccountID, sequence: Int64)]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuidArray(places.map(\.account.postgresUUID))
        parameters.int8Array(places.map(\.sequence))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> StreamLink {
        StreamLink(
            account: try row.id(0),
            sequence: try row.int8(1),
            hash: try row.digest(2),
            recordedAt: try row.time(3)
        )
    }
}

/// Reads the latest event of an account before a position, as far as the next one has to follow it.
struct ReadLatestLink: PostgresStatement {
    static let name = "read_latest_link"
    static let sql = """
        SELECT account_id, sequence, hash, recorded_at FROM ledger.events
        WHERE journal = $1 AND account_id = $2 AND position < $3 ORDER BY sequence DESC LIMIT 1
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8]

    private let journal: JournalID
    private let account: AccountID
    private let position: Int64

    init(before event: Event) {
        journal = event.journal
        account = event.content.accountID
        position = event.position
    }

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.int8(position)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> StreamLink {
        try ReadStreamLinks.decode(row)
    }
}
