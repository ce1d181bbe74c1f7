package import Ledger
package import Postgres

/// Appends events that follow one another in a journal.
///
/// The arrays are unnested in the select list: in FROM, each would be copied into a tuple store of its own first, which
/// takes as long as the insertion itself.
struct AppendEvents: PostgresStatement {
    typealias Row = Void
    static let name = "append_events"
    static let sql = """
        INSERT INTO ledger.events (
            version, journal, position, account_id, sequence, type, recorded_at, effective_at, command_id, request_id,
            execution_id, key_id, model, grant_id, hold_id, pot_id, amount, balance_after, held_after, price_version,
            detail, previous_hash, hash
        )
        SELECT $1, $2, generate_series($3, $3 + cardinality($4) - 1), unnest($4), unnest($5), unnest($6), unnest($7),
            unnest($8), unnest($9), unnest($10), unnest($11), unnest($12), unnest($13), unnest($14), unnest($15),
            unnest($16), unnest($17), unnest($18), unnest($19), unnest($20), unnest($21), unnest($22), unnest($23)
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .int2, .int8, .uuidArray, .int8Array, .textArray, .timestamptzArray, .timestamptzArray, .uuidArray,
        .uuidArray, .uuidArray, .uuidArray, .textArray, .uuidArray, .uuidArray, .uuidArray, .int8Array, .int8Array,
        .int8Array, .textArray, .textArray, .byteaArray, .byteaArray,
    ]

    let journal: JournalID
    let events: [Event]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int2(Event.currentVersion)
        parameters.journal(journal)
        parameters.int8(events.first?.position ?? 0)
        parameters.column(.uuid, of: events) { $0.id($1.content.accountID) }
        parameters.column(.int8, of: events) { $0.int8($1.sequence) }
        parameters.column(.text, of: events) { $0.text($1.content.type.rawValue) }
        parameters.column(.timestamptz, of: events) { $0.time($1.content.recordedAt) }
        parameters.column(.timestamptz, of: events) { $0.time($1.content.effectiveAt) }
        parameters.column(.uuid, of: events) { $0.id($1.content.commandID) }
        parameters.column(.uuid, of: events) { $0.id($1.content.requestID) }
        parameters.column(.uuid, of: events) { $0.id($1.content.executionID) }
        parameters.column(.uuid, of: events) { $0.id($1.content.keyID) }
        parameters.column(.text, of: events) { $0.text($1.content.model) }
        parameters.column(.uuid, of: events) { $0.id($1.content.grantID) }
        parameters.column(.uuid, of: events) { $0.id($1.content.holdID) }
        parameters.column(.uuid, of: events) { $0.id($1.content.potID) }
        parameters.column(.int8, of: events) { $0.credits($1.content.amount) }
        parameters.column(.int8, of: events) { $0.credits($1.content.balanceAfter) }
        parameters.column(.int8, of: events) { $0.credits($1.content.heldAfter) }
        parameters.column(.text, of: events) { $0.text($1.content.priceVersion) }
        parameters.column(.text, of: events) { $0.json($1.content.detail) }
        parameters.column(.bytea, of: events) { $0.digest($1.previousHash) }
        parameters.column(.bytea, of: events) { $0.digest($1.hash) }
    }
}

extension CopyRows {
    /// Appends events that follow one another in a journal, and commits: from about a hundred on, COPY costs less than
    /// `AppendEvents`, although it is a round trip more.
    init(appending events: [Event]) {
        // 512: an event and its lengths, of which a held one is the largest.
        self.init(into: "ledger.events", columns: EventColumns.names, commits: true, reservingBytes: events.count * 512)
        for event in events { append { EventColumns.encode(event, into: &$0) } }
    }
}

/// The columns of an event as they are read and copied.
package enum EventColumns {
    package static let list = """
        version, journal, position, account_id, sequence, type, recorded_at, effective_at, command_id, request_id,
        execution_id, key_id, model, grant_id, hold_id, pot_id, amount, balance_after, held_after, price_version,
        detail, previous_hash, hash
        """

    static let names = list.split(separator: ",").map { String($0.drop { $0.isWhitespace }) }

    static func encode(_ event: borrowing Event, into row: inout CopyWriter) {
        row.int2(event.version)
        row.int2(event.journal.number)
        row.int8(event.position)
        row.id(event.content.accountID)
        row.int8(event.sequence)
        row.text(event.content.type.rawValue)
        row.time(event.content.recordedAt)
        row.time(event.content.effectiveAt)
        row.id(event.content.commandID)
        row.id(event.content.requestID)
        row.id(event.content.executionID)
        row.id(event.content.keyID)
        row.text(event.content.model)
        row.id(event.content.grantID)
        row.id(event.content.holdID)
        row.id(event.content.potID)
        row.credits(event.content.amount)
        row.credits(event.content.balanceAfter)
        row.credits(event.content.heldAfter)
        row.text(event.content.priceVersion)
        row.json(event.content.detail)
        row.digest(event.previousHash)
        row.digest(event.hash)
    }

    package static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Event {
        var content = EventContent(
            try row.word(5),
            account: try row.id(3),
            at: try row.time(6),
            command: try row.id(8)
        )
        content.effectiveAt = try row.time(7)
        content.requestID = try row.optionalID(9)
        content.executionID = try row.optionalID(10)
        content.keyID = try row.optionalID(11)
        content.model = try row.optionalText(12)
        content.grantID = try row.optionalID(13)
        content.holdID = try row.optionalID(14)
        content.potID = try row.optionalID(15)
        content.amount = try row.optionalCredits(16)
        content.balanceAfter = try row.optionalCredits(17)
        content.heldAfter = try row.optionalCredits(18)
        content.priceVersion = try row.optionalText(19)
        if let text = try row.optionalText(20) {
            guard let detail = CanonicalJSON(text: text) else {
                throw PostgresDecodingError(column: 20, reason: "a detail that is not canonical JSON")
            }
            content.detail = detail
        }
        return Event(
            version: try row.int2(0),
            journal: JournalID(try row.int2(1)),
            position: try row.int8(2),
            sequence: try row.int8(4),
            content: content,
            previousHash: try row.optionalDigest(21),
            storedHash: try row.digest(22)
        )
    }
}

/// A statement about the events of a journal after one position, up to another, and no more than a limit.
protocol JournalPageStatement: PostgresStatement {
    var journal: JournalID { get }
    var after: Int64 { get }
    var upTo: Int64 { get }
    var limit: Int64 { get }
}

extension JournalPageStatement {
    static var parameterTypes: [PostgresType] { [.int2, .int8, .int8, .int8] }

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(after)
        parameters.int8(upTo)
        parameters.int8(limit)
    }
}

/// A page of a journal, in order.
struct ReadEvents: JournalPageStatement {
    static let name = "read_events"
    static let sql = """
        SELECT \(EventColumns.list) FROM ledger.events
        WHERE journal = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4
        """

    let journal: JournalID
    let after: Int64
    let upTo: Int64
    let limit: Int64

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Event { try EventColumns.decode(row) }
}

/// A page of an account's stream, in order.
struct ReadAccountEvents: PostgresStatement {
    static let name = "read_account_events"
    static let sql = """
        SELECT \(EventColumns.list) FROM ledger.events
        WHERE journal = $1 AND account_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .int8, .int8]

    let journal: JournalID
    let account: AccountID
    let after: Int64
    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.int8(after)
        parameters.int8(limit)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Event { try EventColumns.decode(row) }
}
