/// A query as a type: name, text, parameters and row decoding in one place.
///
/// Every statement of a client's catalogue is prepared once on every connection, under its name. A statement must not
/// control transactions (BEGIN, COMMIT, ROLLBACK ...): `PipelineBatch` has its own words for that.
public protocol PostgresStatement: Sendable {
    /// What one row is decoded into.
    associatedtype Row
    /// The name it is prepared under, unique in a catalogue, for example `lock_journal`.
    static var name: String { get }
    /// The text, with `$1`, `$2` … for the parameters.
    static var sql: String { get }
    /// The types of the parameters in order.
    static var parameterTypes: [PostgresType] { get }
    /// Appends exactly one value per parameter type, in order; anything else traps.
    func encode(into parameters: inout ParameterEncoder)
    /// Decodes one row; runs on the task that waits.
    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Row
}

extension PostgresStatement where Row == Void {
    /// A statement without rows has nothing to decode.
    @inlinable
    public static func decode(_ row: PostgresRow) throws(PostgresDecodingError) {}
}
