/// One row of a result. Reads are by zero-based column, binary, and checked against the column's type.
public struct PostgresRow: Sendable {
    /// Keeps the memory alive that the getters read.
    let result: PostgresResult

    /// The zero-based index of the row in its result.
    public let index: Int

    /// Whether a value is NULL; traps outside of the columns.
    public func isNull(_ column: Int) -> Bool { result.bytes(row: index, column: column) == nil }

    /// An `int2`.
    public func int2(_ column: Int) throws(PostgresDecodingError) -> Int16 {
        try required(optionalInt2(column), column)
    }

    /// An `int2`, or nil for NULL.
    public func optionalInt2(_ column: Int) throws(PostgresDecodingError) -> Int16? { try integer(column, .int2) }

    /// An `int4`.
    public func int4(_ column: Int) throws(PostgresDecodingError) -> Int32 {
        try required(optionalInt4(column), column)
    }

    /// An `int4`, or nil for NULL.
    public func optionalInt4(_ column: Int) throws(PostgresDecodingError) -> Int32? { try integer(column, .int4) }

    /// An `int8`.
    public func int8(_ column: Int) throws(PostgresDecodingError) -> Int64 {
        try required(optionalInt8(column), column)
    }

    /// An `int8`, or nil for NULL.
    public func optionalInt8(_ column: Int) throws(PostgresDecodingError) -> Int64? { try integer(column, .int8) }

    /// A `boolean`.
    public func bool(_ column: Int) throws(PostgresDecodingError) -> Bool { try required(optionalBool(column), column) }

    /// A `boolean`, or nil for NULL.
    public func optionalBool(_ column: Int) throws(PostgresDecodingError) -> Bool? {
        let byte: UInt8? = try integer(column, .bool)
        return byte.map { $0 != 0 }
    }

    /// A `tid`: the place of a row.
    public func tid(_ column: Int) throws(PostgresDecodingError) -> (block: UInt32, item: UInt16) {
        guard let bytes = try fixed(column, .tid, size: 6) else {
            throw PostgresDecodingError(column: column, reason: "NULL where a value was expected")
        }
        return (bytes.bigEndian(at: 0), bytes.bigEndian(at: 4))
    }

    /// A `uuid` as its halves.
    public func uuid(_ column: Int) throws(PostgresDecodingError) -> PostgresUUID {
        try required(optionalUUID(column), column)
    }

    /// A `uuid` as its halves, or nil for NULL.
    public func optionalUUID(_ column: Int) throws(PostgresDecodingError) -> PostgresUUID? {
        guard let bytes = try fixed(column, .uuid, size: 16) else { return nil }
        return PostgresUUID(high: bytes.bigEndian(at: 0), low: bytes.bigEndian(at: 8))
    }

    /// A `timestamptz` in microseconds since 1970-01-01T00:00:00Z; `infinity` is refused.
    public func timestampMicroseconds(_ column: Int) throws(PostgresDecodingError) -> Int64 {
        try required(optionalTimestampMicroseconds(column), column)
    }

    /// A `timestamptz` in microseconds since 1970-01-01T00:00:00Z, or nil for NULL; `infinity` is refused.
    public func optionalTimestampMicroseconds(_ column: Int) throws(PostgresDecodingError) -> Int64? {
        let value: Int64? = try integer(column, .timestamptz)
        guard let value else { return nil }
        let (microseconds, overflow) = value.addingReportingOverflow(postgresEpochMicroseconds)
        guard !overflow, value != .min else {
            throw PostgresDecodingError(column: column, reason: "an infinite timestamp")
        }
        return microseconds
    }

    /// Any textual type (`text`, `varchar`, `name`, enums, `json`, `jsonb`).
    public func text(_ column: Int) throws(PostgresDecodingError) -> String {
        try required(optionalText(column), column)
    }

    /// Any textual type (`text`, `varchar`, `name`, enums, `json`, `jsonb`), or nil for NULL.
    public func optionalText(_ column: Int) throws(PostgresDecodingError) -> String? {
        guard var bytes = result.bytes(row: index, column: column) else { return nil }
        let type = result.type(column: column)
        guard type.isTextual else { throw PostgresDecodingError(column: column, reason: "expected text, got \(type)") }
        // The binary form of jsonb is a version byte, always 1, and the text.
        if type == .jsonb { bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A `bytea`.
    public func bytes(_ column: Int) throws(PostgresDecodingError) -> [UInt8] {
        try required(optionalBytes(column), column)
    }

    /// A `bytea`, or nil for NULL.
    public func optionalBytes(_ column: Int) throws(PostgresDecodingError) -> [UInt8]? {
        guard let bytes = result.bytes(row: index, column: column) else { return nil }
        try expect(.bytea, column)
        return [UInt8](bytes)
    }

    /// Calls a closure with the bytes of a value of any type as they came, without a copy; nil is NULL.
    ///
    /// The memory must not be used after the closure returns.
    public func withRawBytes<Value, Failure: Error>(
        _ column: Int,
        _ body: (UnsafeRawBufferPointer?) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try body(result.bytes(row: index, column: column))
    }

    func required<Value>(_ value: Value?, _ column: Int) throws(PostgresDecodingError) -> Value {
        guard let value else { throw PostgresDecodingError(column: column, reason: "an unexpected NULL") }
        return value
    }

    func expect(_ type: PostgresType, _ column: Int) throws(PostgresDecodingError) {
        let actual = result.type(column: column)
        guard actual == type else {
            throw PostgresDecodingError(column: column, reason: "expected \(type), got \(actual)")
        }
    }

    private func integer<Value: FixedWidthInteger>(
        _ column: Int,
        _ type: PostgresType
    ) throws(PostgresDecodingError) -> Value? {
        try fixed(column, type, size: MemoryLayout<Value>.size)?.bigEndian(at: 0)
    }

    private func fixed(
        _ column: Int,
        _ type: PostgresType,
        size: Int
    ) throws(PostgresDecodingError) -> UnsafeRawBufferPointer? {
        guard let bytes = result.bytes(row: index, column: column) else { return nil }
        try expect(type, column)
        guard bytes.count == size else {
            throw PostgresDecodingError(column: column, reason: "\(bytes.count) bytes for \(type)")
        }
        return bytes
    }
}

extension UnsafeRawBufferPointer {
    /// An integer in network order; traps outside of the buffer.
    func bigEndian<Value: FixedWidthInteger>(at offset: Int) -> Value {
        Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
}
