/// Rows for one `COPY … FROM STDIN (FORMAT binary)`, encoded as they are appended.
///
/// For many rows at once: the server parses a row in one go, where an `INSERT` with arrays unnests each column by itself.
/// COPY can't be pipelined, so it costs a round trip of its own.
public struct CopyRows: Sendable {
    /// The statement.
    let sql: String
    /// Whether `COMMIT` is sent with it.
    let commits: Bool
    @usableFromInline var writer: CopyWriter
    /// Rows so far.
    public private(set) var count = 0
    private let columnCount: Int16

    /// Makes an empty COPY.
    ///
    /// - Parameters:
    ///   - table: the table, with its schema.
    ///   - columns: the names of the columns, in the order in which each row is written.
    ///   - commits: whether the transaction that is open ends with it.
    ///   - byteCount: bytes to allocate ahead.
    public init(into table: String, columns: [String], commits: Bool, reservingBytes byteCount: Int = 0) {
        let copy = "COPY \(table) (\(columns.joined(separator: ", "))) FROM STDIN (FORMAT binary)"
        self.sql = commits ? copy + "; COMMIT" : copy
        self.commits = commits
        self.columnCount = Int16(columns.count)
        self.writer = CopyWriter(reservingBytes: byteCount)
    }

    /// Appends a row; the closure writes exactly one value for each column.
    @inlinable
    public mutating func append(_ row: (inout CopyWriter) -> Void) {
        begin()
        row(&writer)
        end()
    }

    @usableFromInline
    mutating func begin() { writer.beginRow(columnCount) }

    @usableFromInline
    mutating func end() {
        precondition(writer.written == Int(columnCount), "a row of \(columnCount) columns got \(writer.written)")
        count += 1
    }

    /// What is sent: the header and the rows. The trailer, -1 as the number of a row's columns, follows by itself.
    var data: ByteArena { writer.arena }

    var shape: UnitShape {
        var shape = UnitShape()
        shape.statementCount = commits ? 2 : 1
        shape.end = commits ? .commit : nil
        return shape
    }
}

/// Writes the values of one row.
public struct CopyWriter: FieldWriter, Sendable {
    /// Where the values go.
    public var arena: ByteArena
    @usableFromInline var written = 0

    init(reservingBytes byteCount: Int) {
        arena = ByteArena(bytes: [UInt8](repeating: 0, count: max(64, byteCount)), cursor: 0)
        // The signature, no flags, no extension: "Binary Format" in PostgreSQL's page of COPY.
        let signature: [UInt8] = [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00]
        for byte in signature { arena.put(byte) }
        arena.put(Int64(0))
    }

    mutating func beginRow(_ columnCount: Int16) {
        written = 0
        arena.put(columnCount)
    }

    /// A value comes next; COPY leaves it to the server whether its type is the column's.
    @inlinable public mutating func began(_ type: PostgresType) { written += 1 }

    /// NULL comes next.
    @inlinable public mutating func beganNull() { written += 1 }
}
