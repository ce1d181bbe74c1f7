/// One unit of failure: statements that are sent together, closed by one sync, and answered together.
///
/// Without `begin` (and outside of a transaction that an earlier unit of the session opened) the unit is one implicit
/// transaction, durable as a whole when its sync is answered. `begin` may only come first, `commit` and `rollback`
/// only last: what a failure means would otherwise depend on where it struck.
public struct PipelineBatch: Sendable {
    var parameters: ParameterEncoder
    private(set) var entries: [Entry] = []
    private(set) var shape = UnitShape()

    /// How strictly a transaction is kept apart from others.
    public enum Isolation: Sendable {
        /// PostgreSQL's default: every statement sees what is committed when it starts.
        case readCommitted
        /// Every statement sees the same snapshot.
        case repeatableRead
        /// The same snapshot, without the right to write.
        case repeatableReadOnly
        /// As if transactions ran one after another; commits may fail with 40001.
        case serializable
    }

    struct Entry: Sendable {
        /// The prepared statement's name, or the SQL of a raw statement.
        let text: String
        let firstSlot: Int
        let slotCount: Int
        let isRaw: Bool

        /// What an error says about where it happened.
        var label: String { isRaw ? "a statement without a name" : text }
    }

    /// Makes an empty unit.
    ///
    /// - Parameter byteCount: Bytes to allocate ahead for the parameters.
    public init(reservingBytes byteCount: Int = 0) {
        self.parameters = ParameterEncoder(reservingBytes: byteCount)
    }

    /// The number of statements.
    public var count: Int { entries.count }

    /// Whether nothing was appended yet.
    public var isEmpty: Bool { entries.isEmpty }

    /// The bytes of all parameters so far.
    public var byteCount: Int { parameters.cursor }

    /// Appends a statement of the catalogue and encodes its parameters; traps when they are not of the declared types.
    public mutating func append<Statement: PostgresStatement>(_ statement: Statement) {
        let first = parameters.slots.count
        statement.encode(into: &parameters)
        let types = Statement.parameterTypes
        let slotCount = parameters.slots.count - first
        precondition(slotCount == types.count, "\(Statement.name) declares \(types.count) parameters, got \(slotCount)")
        for (position, type) in types.enumerated() {
            let actual = parameters.slots[first + position].type
            precondition(actual == type, "\(Statement.name): parameter \(position + 1) is \(actual), not \(type)")
        }
        add(Entry(text: Statement.name, firstSlot: first, slotCount: slotCount, isRaw: false))
    }

    /// Opens a transaction; only as the first statement.
    public mutating func begin(_ isolation: Isolation = .readCommitted) {
        precondition(entries.isEmpty, "BEGIN comes first in a unit")
        let statement: BuiltInStatement =
            switch isolation {
            case .readCommitted: .begin
            case .repeatableRead: .beginRepeatableRead
            case .repeatableReadOnly: .beginRepeatableReadOnly
            case .serializable: .beginSerializable
            }
        addBuiltIn(statement)
        shape.begins = true
    }

    /// Commits the transaction; only as the last statement.
    public mutating func commit() {
        addBuiltIn(.commit)
        shape.end = .commit
    }

    /// Rolls the transaction back; only as the last statement.
    public mutating func rollback() {
        addBuiltIn(.rollback)
        shape.end = .rollback
    }

    /// Appends SQL that is not prepared, without parameters, answered in the text format.
    mutating func appendRaw(_ sql: String) {
        add(Entry(text: sql, firstSlot: parameters.slots.count, slotCount: 0, isRaw: true))
        shape.isRaw = true
    }

    private mutating func addBuiltIn(_ statement: BuiltInStatement) {
        add(Entry(text: statement.rawValue, firstSlot: parameters.slots.count, slotCount: 0, isRaw: false))
    }

    private mutating func add(_ entry: Entry) {
        precondition(shape.end == nil, "nothing comes behind COMMIT or ROLLBACK in a unit")
        entries.append(entry)
        shape.statementCount += 1
    }
}

/// The statements that control transactions, prepared with every catalogue.
enum BuiltInStatement: String, CaseIterable {
    case begin = "__begin"
    case beginRepeatableRead = "__begin_repeatable_read"
    case beginRepeatableReadOnly = "__begin_repeatable_read_only"
    case beginSerializable = "__begin_serializable"
    case commit = "__commit"
    case rollback = "__rollback"

    var sql: String {
        switch self {
        case .begin: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
        case .beginRepeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"
        case .beginRepeatableReadOnly: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        case .beginSerializable: "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        }
    }
}
