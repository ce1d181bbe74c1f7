extension PostgresRow {
    /// An `int8[]` without NULLs; an empty array of any dimension is empty.
    public func int8Array(_ column: Int) throws(PostgresDecodingError) -> [Int64] {
        try withoutNulls(optionalInt8Array(column), column)
    }

    /// An `int8[]` whose elements may be NULL.
    public func optionalInt8Array(_ column: Int) throws(PostgresDecodingError) -> [Int64?] {
        try elements(column, of: .int8, size: 8) { $0.bigEndian(at: 0) }
    }

    /// An `int4[]` without NULLs.
    public func int4Array(_ column: Int) throws(PostgresDecodingError) -> [Int32] {
        let values: [Int32?] = try elements(column, of: .int4, size: 4) { $0.bigEndian(at: 0) }
        return try withoutNulls(values, column)
    }

    /// A `boolean[]` without NULLs.
    public func boolArray(_ column: Int) throws(PostgresDecodingError) -> [Bool] {
        try withoutNulls(elements(column, of: .bool, size: 1) { $0[0] != 0 }, column)
    }

    /// A `uuid[]` without NULLs.
    public func uuidArray(_ column: Int) throws(PostgresDecodingError) -> [PostgresUUID] {
        try withoutNulls(optionalUUIDArray(column), column)
    }

    /// A `uuid[]` whose elements may be NULL.
    public func optionalUUIDArray(_ column: Int) throws(PostgresDecodingError) -> [PostgresUUID?] {
        try elements(column, of: .uuid, size: 16) {
            PostgresUUID(high: $0.bigEndian(at: 0), low: $0.bigEndian(at: 8))
        }
    }

    /// A `timestamptz[]` without NULLs, in microseconds since 1970-01-01T00:00:00Z.
    public func timestampMicrosecondsArray(_ column: Int) throws(PostgresDecodingError) -> [Int64] {
        let values: [Int64?] = try elements(column, of: .timestamptz, size: 8) {
            // Wrapping: infinity becomes a moment far away instead of a trap.
            let value: Int64 = $0.bigEndian(at: 0)
            return value &+ postgresEpochMicroseconds
        }
        return try withoutNulls(values, column)
    }

    /// A `text[]` without NULLs.
    public func textArray(_ column: Int) throws(PostgresDecodingError) -> [String] {
        try withoutNulls(optionalTextArray(column), column)
    }

    /// A `text[]` whose elements may be NULL.
    public func optionalTextArray(_ column: Int) throws(PostgresDecodingError) -> [String?] {
        try elements(column, of: .text, size: nil) { String(decoding: $0, as: UTF8.self) }
    }

    /// A `bytea[]` without NULLs.
    public func bytesArray(_ column: Int) throws(PostgresDecodingError) -> [[UInt8]] {
        try withoutNulls(elements(column, of: .bytea, size: nil) { [UInt8]($0) }, column)
    }

    private func withoutNulls<Value>(_ values: [Value?], _ column: Int) throws(PostgresDecodingError) -> [Value] {
        var result: [Value] = []
        result.reserveCapacity(values.count)
        for value in values {
            guard let value else { throw PostgresDecodingError(column: column, reason: "an unexpected NULL element") }
            result.append(value)
        }
        return result
    }

    /// Reads header and elements of a one-dimensional array; every length is checked before it is used.
    private func elements<Value>(
        _ column: Int,
        of type: PostgresType,
        size: Int?,
        _ read: (UnsafeRawBufferPointer) -> Value
    ) throws(PostgresDecodingError) -> [Value?] {
        guard let bytes = result.bytes(row: index, column: column) else {
            throw PostgresDecodingError(column: column, reason: "an unexpected NULL")
        }
        if let array = type.array { try expect(array, column) }
        let malformed = PostgresDecodingError(column: column, reason: "a malformed array of \(type)")
        guard bytes.count >= 12 else { throw malformed }
        let dimensions: Int32 = bytes.bigEndian(at: 0)
        if dimensions == 0 { return [] }
        guard dimensions == 1, bytes.count >= 20, bytes.bigEndian(at: 8) == type.objectID else { throw malformed }
        let count = Int(bytes.bigEndian(at: 12) as Int32)
        guard count >= 0, count <= (bytes.count - 20) / 4 else { throw malformed }
        var values: [Value?] = []
        values.reserveCapacity(count)
        var offset = 20
        for _ in 0..<count {
            guard offset + 4 <= bytes.count else { throw malformed }
            let length = Int(bytes.bigEndian(at: offset) as Int32)
            offset += 4
            guard length >= 0 else {
                values.append(nil)
                continue
            }
            guard offset + length <= bytes.count, size == nil || size == length else { throw malformed }
            values.append(read(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])))
            offset += length
        }
        return values
    }
}
