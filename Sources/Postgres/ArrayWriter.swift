/// Writes the elements of one array parameter, straight into the encoder's arena.
public struct ArrayWriter {
    /// The encoder's arena while it writes, else empty.
    @usableFromInline var bytes: [UInt8] = []
    @usableFromInline var cursor: Int
    @usableFromInline let type: PostgresType
    @usableFromInline let count: Int
    @usableFromInline var written = 0
    @usableFromInline var hasNull = false
    @usableFromInline let start: Int

    @inlinable
    init(cursor: Int, type: PostgresType, count: Int) {
        precondition(count >= 0, "an array has no negative number of elements")
        self.cursor = cursor
        self.type = type
        self.count = count
        self.start = cursor
    }

    /// Dimensions, null flag, element type, then size and lower bound of the one dimension.
    @inlinable
    mutating func writeHeader() {
        // 20 for the header, and at most 4 + 16 for an element of fixed size.
        bytes.makeRoom(20 + count * 20, at: cursor)
        bytes.put(Int32(count == 0 ? 0 : 1), at: &cursor)
        bytes.put(Int32(0), at: &cursor)
        bytes.put(type.objectID, at: &cursor)
        guard count > 0 else { return }
        bytes.put(Int32(count), at: &cursor)
        bytes.put(Int32(1), at: &cursor)
    }

    /// Writes NULL.
    @inlinable
    public mutating func null() {
        bytes.put(Int32(-1), at: &cursor)
        hasNull = true
        written += 1
    }

    /// Writes an `int2`, or NULL.
    @inlinable
    public mutating func int2(_ value: Int16?) { integer(value, as: .int2) }

    /// Writes an `int4`, or NULL.
    @inlinable
    public mutating func int4(_ value: Int32?) { integer(value, as: .int4) }

    /// Writes an `int8`, or NULL.
    @inlinable
    public mutating func int8(_ value: Int64?) { integer(value, as: .int8) }

    /// Writes a `boolean`, or NULL.
    @inlinable
    public mutating func bool(_ value: Bool?) { integer(value.map { $0 ? UInt8(1) : 0 }, as: .bool) }

    /// Writes a `timestamptz` given in microseconds since 1970-01-01T00:00:00Z, or NULL.
    @inlinable
    public mutating func timestamptz(microseconds value: Int64?) {
        integer(value.map { $0 - postgresEpochMicroseconds }, as: .timestamptz)
    }

    /// Writes a `uuid` from its big-endian halves.
    @inlinable
    public mutating func uuid(high: UInt64, low: UInt64) {
        expect(.uuid)
        let offset = cursor
        bytes.makeRoom(20, at: offset)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: Int32(16).bigEndian, toByteOffset: offset, as: Int32.self)
            $0.storeBytes(of: high.bigEndian, toByteOffset: offset + 4, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: offset + 12, as: UInt64.self)
        }
        cursor = offset + 20
        written += 1
    }

    /// Writes a `uuid`, or NULL.
    @inlinable
    public mutating func uuid(_ value: PostgresUUID?) {
        guard let value else { return null() }
        uuid(high: value.high, low: value.low)
    }

    /// Writes a `text` or `json`, or NULL.
    @inlinable
    public mutating func text(_ value: String?) {
        precondition(type == .text || type == .json, "a text in an array of another type")
        guard let value else { return null() }
        let offset = cursor
        let size = value.utf8.count
        bytes.makeRoom(4 + size, at: offset)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: Int32(size).bigEndian, toByteOffset: offset, as: Int32.self)
            value.copyUTF8(to: $0, at: offset + 4, size: size)
        }
        cursor = offset + 4 + size
        written += 1
    }

    /// Writes a `jsonb`, or NULL.
    @inlinable
    public mutating func jsonb(_ value: String?) {
        expect(.jsonb)
        guard let value else { return null() }
        sized { bytes, cursor in
            bytes.put(UInt8(1), at: &cursor)
            bytes.put(utf8: value, at: &cursor)
        }
    }

    /// Writes a `bytea`, or NULL.
    @inlinable
    public mutating func bytea(_ value: [UInt8]?) {
        guard let value else { return null() }
        value.withUnsafeBytes { bytea($0) }
    }

    /// Writes a `bytea` from memory, which is copied.
    @inlinable
    public mutating func bytea(_ value: UnsafeRawBufferPointer) {
        expect(.bytea)
        sized { bytes, cursor in bytes.put(raw: value, at: &cursor) }
    }

    @inlinable
    func expect(_ other: PostgresType) {
        precondition(type == other, "an element of another type than its array")
    }

    @inlinable
    mutating func integer<Value: FixedWidthInteger>(_ value: Value?, as elementType: PostgresType) {
        expect(elementType)
        guard let value else { return null() }
        let offset = cursor
        let size = MemoryLayout<Value>.size
        bytes.makeRoom(4 + size, at: offset)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: Int32(size).bigEndian, toByteOffset: offset, as: Int32.self)
            $0.storeBytes(of: value.bigEndian, toByteOffset: offset + 4, as: Value.self)
        }
        cursor = offset + 4 + size
        written += 1
    }

    /// Writes an element whose size is known only afterwards.
    @inlinable
    mutating func sized(_ write: (inout [UInt8], inout Int) -> Void) {
        var lengthOffset = cursor
        bytes.put(Int32(0), at: &cursor)
        write(&bytes, &cursor)
        let size = Int32(cursor - lengthOffset - 4)
        bytes.put(size, at: &lengthOffset)
        written += 1
    }

    /// Checks the count, completes the header, and returns the cursor.
    @inlinable
    mutating func finish() -> Int {
        precondition(written == count, "an array of \(count) elements got \(written)")
        if hasNull {
            var flagOffset = start + 4
            bytes.put(Int32(1), at: &flagOffset)
        }
        return cursor
    }
}
