/// The bytes of an event that its hash covers (design, section 4).
///
/// Every column in the fixed order below, each as a 4-byte big-endian length and its bytes; a column that does not apply
/// has the length -1 and no bytes. Whole numbers are big-endian two's complement (2 bytes for `version` and `journal`, 8
/// otherwise), times are microseconds since the Unix epoch in 8 bytes, identifiers 16 bytes, text UTF-8, hashes 32 bytes.
///
/// Order: version, journal, position, account_id, sequence, type, recorded_at, effective_at, command_id, request_id,
/// execution_id, key_id, model, grant_id, hold_id, pot_id, amount, balance_after, held_after, price_version, detail,
/// previous_hash. `sql/functions/event_canonical_bytes.sql` builds the same bytes from the columns.
public enum CanonicalBytes {
    /// The canonical bytes, without the 0x00 that the hash puts before them.
    public static func bytes(
        version: Int16,
        journal: JournalID,
        position: Int64,
        sequence: Int64,
        content: EventContent,
        previousHash: Digest?
    ) -> [UInt8] {
        ByteSink.withBytes { sink in
            put(version, journal, position, sequence, content, previousHash, into: &sink)
        } _: {
            Array($0)
        }
    }

    static func hash(
        version: Int16,
        journal: JournalID,
        position: Int64,
        sequence: Int64,
        content: EventContent,
        previousHash: Digest?
    ) -> Digest {
        ByteSink.withBytes { sink in
            sink.put(0x00)
            put(version, journal, position, sequence, content, previousHash, into: &sink)
        } _: {
            Digest(of: $0)
        }
    }

    private static func put(
        _ version: Int16,
        _ journal: JournalID,
        _ position: Int64,
        _ sequence: Int64,
        _ content: EventContent,
        _ previousHash: Digest?,
        into sink: inout ByteSink
    ) {
        sink.putField(version)
        sink.putField(journal.number)
        sink.putField(position)
        sink.putField(content.accountID.value)
        sink.putField(sequence)
        sink.putField(content.type.rawValue)
        sink.putField(content.recordedAt.microseconds)
        sink.putField(content.effectiveAt.microseconds)
        sink.putField(content.commandID.value)
        sink.putField(content.requestID?.value)
        sink.putField(content.executionID?.value)
        sink.putField(content.keyID?.value)
        sink.putField(content.model)
        sink.putField(content.grantID?.value)
        sink.putField(content.holdID?.value)
        sink.putField(content.potID?.value)
        sink.putField(content.amount?.microcredits)
        sink.putField(content.balanceAfter?.microcredits)
        sink.putField(content.heldAfter?.microcredits)
        sink.putField(content.priceVersion)
        sink.putField(content.detail)
        sink.putField(previousHash)
    }
}

extension ByteSink {
    fileprivate mutating func putAbsentField() { putBigEndian(Int32(-1)) }

    fileprivate mutating func putField<Number: FixedWidthInteger & BitwiseCopyable>(_ value: Number?) {
        guard let value else { return putAbsentField() }
        putBigEndian(Int32(Number.bitWidth / 8))
        putBigEndian(value)
    }

    fileprivate mutating func putField(_ value: Identifier128?) {
        guard let value else { return putAbsentField() }
        putBigEndian(Int32(16))
        putBigEndian(value.high)
        putBigEndian(value.low)
    }

    fileprivate mutating func putField(_ value: String?) {
        guard let value else { return putAbsentField() }
        putBigEndian(Int32(value.utf8.count))
        put(value)
    }

    fileprivate mutating func putField(_ value: Digest?) {
        guard let value else { return putAbsentField() }
        putBigEndian(Int32(32))
        put(value)
    }

    fileprivate mutating func putField(_ value: CanonicalJSON?) {
        guard let value else { return putAbsentField() }
        let place = count
        putBigEndian(Int32(0))
        value.write(into: &self)
        overwriteBigEndian(Int32(count - place - 4), at: place)
    }
}
