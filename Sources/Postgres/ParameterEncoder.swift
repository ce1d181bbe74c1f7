/// Collects the binary parameters of statements in one byte arena.
///
/// Nothing is allocated per value: the arena and the list of slots only grow. Encoding happens on the caller's task.
public struct ParameterEncoder: Sendable {
    /// Allocated bytes; those from `cursor` on are zero or garbage, never sent.
    @usableFromInline var bytes: [UInt8]
    /// The number of bytes written.
    @usableFromInline var cursor: Int
    /// One entry per parameter of every statement so far.
    @usableFromInline var slots: [Slot]

    /// Where a parameter's bytes are; a length of -1 is NULL.
    @usableFromInline
    struct Slot: Sendable {
        @usableFromInline let type: PostgresType
        @usableFromInline let offset: Int
        @usableFromInline let length: Int

        @inlinable
        init(type: PostgresType, offset: Int, length: Int) {
            self.type = type
            self.offset = offset
            self.length = length
        }
    }

    @inlinable
    init(reservingBytes byteCount: Int = 0) {
        // 64: so that the arena always has an address, also when every value is NULL or empty.
        self.bytes = [UInt8](repeating: 0, count: max(64, byteCount))
        self.cursor = 0
        self.slots = []
    }

    /// Appends NULL of a type.
    @inlinable
    public mutating func null(_ type: PostgresType) {
        slots.append(Slot(type: type, offset: cursor, length: -1))
    }

    /// Appends an `int2`, or NULL.
    @inlinable
    public mutating func int2(_ value: Int16?) { integer(value, type: .int2) }

    /// Appends an `int4`, or NULL.
    @inlinable
    public mutating func int4(_ value: Int32?) { integer(value, type: .int4) }

    /// Appends an `int8`, or NULL.
    @inlinable
    public mutating func int8(_ value: Int64?) { integer(value, type: .int8) }

    /// Appends a `boolean`, or NULL.
    @inlinable
    public mutating func bool(_ value: Bool?) {
        integer(value.map { $0 ? UInt8(1) : 0 }, type: .bool)
    }

    /// Appends a `uuid` from its big-endian halves.
    @inlinable
    public mutating func uuid(high: UInt64, low: UInt64) {
        let start = cursor
        bytes.put(high, at: &cursor)
        bytes.put(low, at: &cursor)
        finish(.uuid, from: start)
    }

    /// Appends a `uuid`, or NULL.
    @inlinable
    public mutating func uuid(_ value: PostgresUUID?) {
        guard let value else { return null(.uuid) }
        uuid(high: value.high, low: value.low)
    }

    /// Appends a `timestamptz` given in microseconds since 1970-01-01T00:00:00Z, or NULL.
    @inlinable
    public mutating func timestamptz(microseconds value: Int64?) {
        integer(value.map { $0 - postgresEpochMicroseconds }, type: .timestamptz)
    }

    /// Appends a `text`, or NULL. The server refuses text with a NUL in it (22021).
    @inlinable
    public mutating func text(_ value: String?) { string(value, type: .text) }

    /// Appends a `json`, or NULL; the server checks the syntax.
    @inlinable
    public mutating func json(_ value: String?) { string(value, type: .json) }

    /// Appends a `jsonb`, or NULL; the server checks the syntax.
    @inlinable
    public mutating func jsonb(_ value: String?) {
        guard let value else { return null(.jsonb) }
        let start = cursor
        bytes.put(UInt8(1), at: &cursor)
        bytes.put(utf8: value, at: &cursor)
        finish(.jsonb, from: start)
    }

    /// Appends a `bytea`, or NULL.
    @inlinable
    public mutating func bytea(_ value: [UInt8]?) {
        guard let value else { return null(.bytea) }
        value.withUnsafeBytes { bytea($0) }
    }

    /// Appends a `bytea` from memory, which is copied.
    @inlinable
    public mutating func bytea(_ value: UnsafeRawBufferPointer) {
        let start = cursor
        bytes.put(raw: value, at: &cursor)
        finish(.bytea, from: start)
    }

    /// Appends a one-dimensional array whose elements a closure writes one by one; nothing is allocated per element.
    ///
    /// - Parameters:
    ///   - type: The element type; the parameter's type is `type.array`.
    ///   - count: How many elements the closure writes; another number traps.
    ///   - body: Writes the elements in order.
    @inlinable
    public mutating func array<Failure: Error>(
        of type: PostgresType,
        count: Int,
        _ body: (inout ArrayWriter) throws(Failure) -> Void
    ) throws(Failure) {
        guard let arrayType = type.array else { preconditionFailure("\(type) has no array type here") }
        let start = cursor
        var writer = ArrayWriter(cursor: cursor, type: type, count: count)
        // Swapped, never copied: a second reference to the arena would cost a copy of all of it at the next write.
        swap(&writer.arena.bytes, &bytes)
        defer { swap(&writer.arena.bytes, &bytes) }
        writer.writeHeader()
        try body(&writer)
        cursor = writer.finish()
        finish(arrayType, from: start)
    }

    @inlinable
    mutating func integer<Value: FixedWidthInteger>(_ value: Value?, type: PostgresType) {
        guard let value else { return null(type) }
        let start = cursor
        bytes.put(value, at: &cursor)
        finish(type, from: start)
    }

    @inlinable
    mutating func string(_ value: String?, type: PostgresType) {
        guard let value else { return null(type) }
        let start = cursor
        bytes.put(utf8: value, at: &cursor)
        finish(type, from: start)
    }

    @inlinable
    mutating func finish(_ type: PostgresType, from start: Int) {
        slots.append(Slot(type: type, offset: start, length: cursor - start))
    }
}
