/// Writes values one behind the other, each as its length in four bytes and its binary form, or -1 for NULL: how the
/// elements of arrays and the columns of COPY look on the wire.
public protocol FieldWriter {
    /// Where the values go.
    var arena: ByteArena { get set }
    /// A value of a type comes next; traps where it does not belong.
    mutating func began(_ type: PostgresType)
    /// NULL comes next.
    mutating func beganNull()
}

extension FieldWriter {
    /// Writes NULL.
    @inlinable
    public mutating func null() {
        beganNull()
        arena.put(Int32(-1))
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
        began(.uuid)
        arena.putSized(high, low)
    }

    /// Writes a `uuid`, or NULL.
    @inlinable
    public mutating func uuid(_ value: PostgresUUID?) {
        guard let value else { return null() }
        uuid(high: value.high, low: value.low)
    }

    /// Writes a `tid`: the place of a row.
    @inlinable
    public mutating func tid(block: UInt32, item: UInt16) {
        began(.tid)
        arena.put(Int32(6))
        arena.put(block)
        arena.put(item)
    }

    /// Writes a `text` or `json`, or NULL.
    @inlinable
    public mutating func text(_ value: String?) {
        guard let value else { return null() }
        began(.text)
        arena.putSized(value)
    }

    /// Writes a `jsonb`, or NULL.
    @inlinable
    public mutating func jsonb(_ value: String?) {
        guard let value else { return null() }
        began(.jsonb)
        // 1: the version of the format.
        arena.putSized(value, behind: 1)
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
        began(.bytea)
        arena.putSized(raw: value)
    }

    @inlinable
    mutating func integer<Value: FixedWidthInteger>(_ value: Value?, as type: PostgresType) {
        guard let value else { return null() }
        began(type)
        arena.putSized(value)
    }
}
