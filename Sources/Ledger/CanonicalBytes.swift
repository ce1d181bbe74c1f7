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
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        append(version, journal, position, sequence, content, previousHash, to: &bytes)
        return bytes
    }

    static func hash(
        version: Int16,
        journal: JournalID,
        position: Int64,
        sequence: Int64,
        content: EventContent,
        previousHash: Digest?
    ) -> Digest {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes.append(0x00)
        append(version, journal, position, sequence, content, previousHash, to: &bytes)
        return Digest(of: bytes)
    }

    private static func append(
        _ version: Int16,
        _ journal: JournalID,
        _ position: Int64,
        _ sequence: Int64,
        _ content: EventContent,
        _ previousHash: Digest?,
        to bytes: inout [UInt8]
    ) {
        bytes.appendField(version)
        bytes.appendField(journal.number)
        bytes.appendField(position)
        bytes.appendField(content.accountID.value)
        bytes.appendField(sequence)
        bytes.appendField(content.type.rawValue)
        bytes.appendField(content.recordedAt.microseconds)
        bytes.appendField(content.effectiveAt.microseconds)
        bytes.appendField(content.commandID.value)
        bytes.appendField(content.requestID?.value)
        bytes.appendField(content.executionID?.value)
        bytes.appendField(content.keyID?.value)
        bytes.appendField(content.model)
        bytes.appendField(content.grantID?.value)
        bytes.appendField(content.holdID?.value)
        bytes.appendField(content.potID?.value)
        bytes.appendField(content.amount?.microcredits)
        bytes.appendField(content.balanceAfter?.microcredits)
        bytes.appendField(content.heldAfter?.microcredits)
        bytes.appendField(content.priceVersion)
        bytes.appendField(content.detail)
        bytes.appendField(previousHash)
    }
}

extension [UInt8] {
    fileprivate mutating func appendAbsentField() { appendBigEndian(Int32(-1)) }

    fileprivate mutating func appendField<Number: FixedWidthInteger>(_ value: Number?) {
        guard let value else { return appendAbsentField() }
        appendBigEndian(Int32(Number.bitWidth / 8))
        appendBigEndian(value)
    }

    fileprivate mutating func appendField(_ value: Identifier128?) {
        guard let value else { return appendAbsentField() }
        appendBigEndian(Int32(16))
        appendBigEndian(value.high)
        appendBigEndian(value.low)
    }

    fileprivate mutating func appendField(_ value: String?) {
        guard let value else { return appendAbsentField() }
        appendBigEndian(Int32(value.utf8.count))
        append(contentsOf: value.utf8)
    }

    fileprivate mutating func appendField(_ value: Digest?) {
        guard let value else { return appendAbsentField() }
        appendBigEndian(Int32(32))
        value.append(to: &self)
    }

    fileprivate mutating func appendField(_ value: CanonicalJSON?) {
        guard let value else { return appendAbsentField() }
        let lengthStart = count
        appendBigEndian(Int32(0))
        value.write(into: &self)
        let length = Int32(count - lengthStart - 4)
        Swift.withUnsafeBytes(of: length.bigEndian) { source in
            for offset in 0..<4 { self[lengthStart + offset] = source[offset] }
        }
    }
}
