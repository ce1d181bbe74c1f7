package import Ledger
package import Postgres

extension Identifier128 {
    package var postgresUUID: PostgresUUID { PostgresUUID(high: high, low: low) }

    package init(_ uuid: PostgresUUID) { self.init(high: uuid.high, low: uuid.low) }
}

extension LedgerIdentifier {
    package var postgresUUID: PostgresUUID { value.postgresUUID }

    package init(_ uuid: PostgresUUID) { self.init(Identifier128(uuid)) }
}

extension ParameterEncoder {
    package mutating func journal(_ journal: JournalID) { int2(journal.number) }

    mutating func identifiers<ID: LedgerIdentifier>(_ values: some Collection<ID>) {
        array(of: .uuid, count: values.count) { writer in
            for value in values { writer.uuid(high: value.value.high, low: value.value.low) }
        }
    }

    /// Appends one array parameter with one element per row.
    mutating func column<Row>(
        _ type: PostgresType,
        of rows: [Row],
        _ write: (inout ArrayWriter, Row) -> Void
    ) {
        array(of: type, count: rows.count) { writer in
            for row in rows { write(&writer, row) }
        }
    }
}

extension FieldWriter {
    mutating func id(_ value: (some LedgerIdentifier)?) {
        guard let value else { return null() }
        uuid(high: value.value.high, low: value.value.low)
    }

    mutating func time(_ value: Timestamp?) { timestamptz(microseconds: value?.microseconds) }

    mutating func credits(_ value: Credits?) { int8(value?.microcredits) }

    mutating func digest(_ value: Digest?) {
        guard let value else { return null() }
        let words = value.words
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { buffer in
            buffer.storeBytes(of: words.0.bigEndian, toByteOffset: 0, as: UInt64.self)
            buffer.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
            buffer.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
            buffer.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
            bytea(UnsafeRawBufferPointer(buffer))
        }
    }

    mutating func json(_ value: CanonicalJSON?) {
        guard let value else { return null() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        value.write(into: &bytes)
        text(String(decoding: bytes, as: UTF8.self))
    }
}

extension PostgresRow {
    package func id<ID: LedgerIdentifier>(_ column: Int, as type: ID.Type = ID.self) throws(PostgresDecodingError) -> ID
    {
        ID(try uuid(column))
    }

    package func optionalID<ID: LedgerIdentifier>(_ column: Int) throws(PostgresDecodingError) -> ID? {
        guard let value = try optionalUUID(column) else { return nil }
        return ID(value)
    }

    /// A trace in two columns, `traceparent` and then `tracestate`; nil when the first is null.
    func trace(_ column: Int) throws(PostgresDecodingError) -> TraceHeaders? {
        guard let parent = try optionalText(column) else { return nil }
        return TraceHeaders(parent: parent, state: try optionalText(column + 1))
    }

    package func time(_ column: Int) throws(PostgresDecodingError) -> Timestamp {
        Timestamp(microseconds: try timestampMicroseconds(column))
    }

    package func optionalTime(_ column: Int) throws(PostgresDecodingError) -> Timestamp? {
        guard let value = try optionalTimestampMicroseconds(column) else { return nil }
        return Timestamp(microseconds: value)
    }

    package func credits(_ column: Int) throws(PostgresDecodingError) -> Credits {
        Credits(microcredits: try int8(column))
    }

    package func optionalCredits(_ column: Int) throws(PostgresDecodingError) -> Credits? {
        guard let value = try optionalInt8(column) else { return nil }
        return Credits(microcredits: value)
    }

    package func digest(_ column: Int) throws(PostgresDecodingError) -> Digest {
        guard let digest = withRawBytes(column, { $0.flatMap { Digest(raw: $0) } }) else {
            throw PostgresDecodingError(column: column, reason: "a hash that is not 32 bytes")
        }
        return digest
    }

    package func optionalDigest(_ column: Int) throws(PostgresDecodingError) -> Digest? {
        isNull(column) ? nil : try digest(column)
    }

    /// A column whose text is the raw value of an enumeration.
    package func word<Word: RawRepresentable>(_ column: Int, as type: Word.Type = Word.self)
        throws(PostgresDecodingError)
        -> Word
    where Word.RawValue == String {
        let text = try text(column)
        guard let word = Word(rawValue: text) else {
            throw PostgresDecodingError(column: column, reason: "\(text) is no \(Word.self)")
        }
        return word
    }
}
