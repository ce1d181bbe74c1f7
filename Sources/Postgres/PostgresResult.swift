internal import CLibpq

/// The complete reply to one statement: its rows in the server's binary format, decoded by whoever reads them.
///
/// `@unchecked Sendable`: libpq documents a finished PGresult as read-only and free of its connection, so any thread
/// may read it; it is freed exactly once, in `deinit`.
public final class PostgresResult: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// The number of rows.
    public let count: Int

    /// Takes ownership of a finished result.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
        self.count = Int(PQntuples(pointer))
    }

    deinit { PQclear(pointer) }

    /// The number of columns.
    public var columnCount: Int { Int(PQnfields(pointer)) }

    /// The rows that the statement inserted, updated, deleted or selected, as its command tag says; 0 without a count.
    public var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// The command tag, for example `INSERT 0 1` or `COMMIT`.
    public var commandTag: String { String(cString: PQcmdStatus(pointer)) }

    /// The rows in order.
    public var rows: Rows { Rows(result: self) }

    /// One row; traps outside of `0..<count`.
    public subscript(row: Int) -> PostgresRow {
        precondition(row >= 0 && row < count, "no such row")
        return PostgresRow(result: self, index: row)
    }

    /// Decodes every row as a statement does.
    ///
    /// - Throws: A `PostgresError` with code `.decoding` that names the statement, the row and the column. The statement
    ///   itself has been executed, so the outcome is `.unknown` to a caller that can't read the reply.
    public func decode<Statement: PostgresStatement>(
        as statement: Statement.Type
    ) throws(PostgresError) -> [Statement.Row] {
        var decoded: [Statement.Row] = []
        decoded.reserveCapacity(count)
        for index in 0..<count {
            do throws(PostgresDecodingError) {
                decoded.append(try Statement.decode(PostgresRow(result: self, index: index)))
            } catch {
                throw PostgresError(
                    code: .decoding,
                    outcome: .unknown,
                    message: "row \(index), \(error)",
                    statement: Statement.name
                )
            }
        }
        return decoded
    }

    /// The rows of a result.
    public struct Rows: RandomAccessCollection, Sendable {
        let result: PostgresResult

        /// Zero.
        public var startIndex: Int { 0 }
        /// The number of rows.
        public var endIndex: Int { result.count }
        /// One row; traps outside of the bounds.
        public subscript(position: Int) -> PostgresRow { result[position] }
    }

    /// The bytes of a value, or nil for NULL; valid as long as the result lives. Traps outside of the columns.
    func bytes(row: Int, column: Int) -> UnsafeRawBufferPointer? {
        let (row, column) = (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
        precondition(column >= 0 && column < PQnfields(pointer), "no such column")
        if PQgetisnull(pointer, row, column) != 0 { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(pointer, row, column),
            count: Int(PQgetlength(pointer, row, column))
        )
    }

    /// The declared type of a column.
    func type(column: Int) -> PostgresType {
        PostgresType(objectID: PQftype(pointer, Int32(truncatingIfNeeded: column)))
    }

    /// Every value as text, for results that were asked for in the text format.
    func textRows() -> [[String?]] {
        (0..<count).map { row in
            (0..<columnCount).map { column in
                bytes(row: row, column: column).map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }
}
