extension ParameterEncoder {
    /// Appends an `int2[]`.
    @inlinable
    public mutating func int2Array(_ values: some Collection<Int16>) {
        array(of: .int2, count: values.count) { writer in for value in values { writer.int2(value) } }
    }

    /// Appends an `int4[]`.
    @inlinable
    public mutating func int4Array(_ values: some Collection<Int32>) {
        array(of: .int4, count: values.count) { writer in for value in values { writer.int4(value) } }
    }

    /// Appends an `int8[]`.
    @inlinable
    public mutating func int8Array(_ values: some Collection<Int64>) {
        array(of: .int8, count: values.count) { writer in for value in values { writer.int8(value) } }
    }

    /// Appends an `int8[]` with NULLs.
    @inlinable
    public mutating func int8Array(_ values: some Collection<Int64?>) {
        array(of: .int8, count: values.count) { writer in for value in values { writer.int8(value) } }
    }

    /// Appends a `boolean[]`.
    @inlinable
    public mutating func boolArray(_ values: some Collection<Bool>) {
        array(of: .bool, count: values.count) { writer in for value in values { writer.bool(value) } }
    }

    /// Appends a `uuid[]`.
    @inlinable
    public mutating func uuidArray(_ values: some Collection<PostgresUUID>) {
        array(of: .uuid, count: values.count) { writer in for value in values { writer.uuid(value) } }
    }

    /// Appends a `timestamptz[]` given in microseconds since 1970-01-01T00:00:00Z.
    @inlinable
    public mutating func timestamptzArray(microseconds values: some Collection<Int64>) {
        array(of: .timestamptz, count: values.count) { writer in
            for value in values { writer.timestamptz(microseconds: value) }
        }
    }

    /// Appends a `text[]`.
    @inlinable
    public mutating func textArray(_ values: some Collection<String>) {
        array(of: .text, count: values.count) { writer in for value in values { writer.text(value) } }
    }

    /// Appends a `text[]` with NULLs.
    @inlinable
    public mutating func textArray(_ values: some Collection<String?>) {
        array(of: .text, count: values.count) { writer in for value in values { writer.text(value) } }
    }

    /// Appends a `bytea[]`.
    @inlinable
    public mutating func byteaArray(_ values: some Collection<[UInt8]>) {
        array(of: .bytea, count: values.count) { writer in for value in values { writer.bytea(value) } }
    }
}
