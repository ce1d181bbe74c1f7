import Exports
import Hummingbird
import Ledger
import NIOCore

/// Puts the files of an export into one ZIP archive (APPNOTE 6.3) as they come, without keeping them.
///
/// Sizes and checksums follow the bytes, so these are stored as blocks of DEFLATE (RFC 1951, section 3.2.4): a reader that does not
/// wait for the archive's end can tell where a file ends.
struct ZipSink: ExportSink {
    /// A file that is whole.
    private struct Entry {
        let name: [UInt8]
        let offset: UInt32
        var checksum = CRC32()
        var size: UInt32 = 0
        var packedSize: UInt32 = 0
    }

    private var writer: any ResponseBodyWriter
    private let time: (date: UInt16, time: UInt16)
    private var entries: [Entry] = []
    private var offset: UInt32 = 0

    /// - Parameters:
    ///   - writer: takes the archive.
    ///   - moment: what the files say of when they were made.
    init(_ writer: any ResponseBodyWriter, at moment: Timestamp) {
        self.writer = writer
        let numbers = moment.rfc3339.prefix(19).split { "-T:".contains($0) }.compactMap { UInt16($0) }
        precondition(numbers.count == 6, "a moment has six numbers")
        time = (
            date: (max(1_980, numbers[0]) - 1_980) << 9 | numbers[1] << 5 | numbers[2],
            time: numbers[3] << 11 | numbers[4] << 5 | numbers[5] / 2
        )
    }

    mutating func begin(_ name: String) async throws {
        let entry = Entry(name: Array(name.utf8), offset: offset)
        var header = ByteBuffer()
        header.little(UInt32(0x0403_4b50))
        common(of: entry, into: &header, isKnown: false)
        header.writeBytes(entry.name)
        entries.append(entry)
        try await send(header)
    }

    mutating func write(_ bytes: [UInt8]) async throws {
        var packed = ByteBuffer()
        var start = 0
        // 65,535: the most that a block holds.
        while start < bytes.count {
            let piece = bytes[start..<min(start + 65_535, bytes.count)]
            Self.block(of: piece, isLast: false, into: &packed)
            start = piece.endIndex
        }
        entries[entries.count - 1].checksum.add(bytes)
        entries[entries.count - 1].size += UInt32(bytes.count)
        entries[entries.count - 1].packedSize += UInt32(packed.readableBytes)
        try await send(packed)
    }

    mutating func end() async throws {
        var rest = ByteBuffer()
        Self.block(of: [], isLast: true, into: &rest)
        entries[entries.count - 1].packedSize += UInt32(rest.readableBytes)
        let entry = entries[entries.count - 1]
        rest.little(UInt32(0x0807_4b50))
        rest.little(entry.checksum.value)
        rest.little(entry.packedSize)
        rest.little(entry.size)
        try await send(rest)
    }

    /// Ends the archive with its directory.
    mutating func finish() async throws {
        let start = offset
        var directory = ByteBuffer()
        for entry in entries {
            directory.little(UInt32(0x0201_4b50))
            directory.little(UInt16(20))
            common(of: entry, into: &directory, isKnown: true)
            // No comment, one disk, no attributes.
            directory.little(UInt16(0))
            directory.little(UInt16(0))
            directory.little(UInt16(0))
            directory.little(UInt32(0))
            directory.little(entry.offset)
            directory.writeBytes(entry.name)
        }
        let size = UInt32(directory.readableBytes)
        directory.little(UInt32(0x0605_4b50))
        directory.little(UInt32(0))
        directory.little(UInt16(entries.count))
        directory.little(UInt16(entries.count))
        directory.little(size)
        directory.little(start)
        directory.little(UInt16(0))
        try await send(directory)
        // Unsafe, as in `send`.
        nonisolated(unsafe) let writer = writer
        try await writer.finish(nil)
    }

    /// What the header before a file and its line in the directory share, up to the lengths of name and extras.
    private func common(of entry: Entry, into buffer: inout ByteBuffer, isKnown: Bool) {
        buffer.little(UInt16(20))
        // Bit 3: sizes follow. Bit 11: names are UTF-8.
        buffer.little(UInt16(0x0808))
        buffer.little(UInt16(8))
        buffer.little(time.time)
        buffer.little(time.date)
        buffer.little(isKnown ? entry.checksum.value : 0)
        buffer.little(isKnown ? entry.packedSize : 0)
        buffer.little(isKnown ? entry.size : 0)
        buffer.little(UInt16(entry.name.count))
        buffer.little(UInt16(0))
    }

    private static func block(of bytes: some Collection<UInt8>, isLast: Bool, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(isLast ? 1 : 0))
        buffer.little(UInt16(bytes.count))
        buffer.little(~UInt16(bytes.count))
        buffer.writeBytes(bytes)
    }

    private mutating func send(_ buffer: ByteBuffer) async throws {
        offset += UInt32(buffer.readableBytes)
        // Unsafe: the one task that makes the archive has the writer, and waits here.
        nonisolated(unsafe) var writer = writer
        try await writer.write(buffer)
        self.writer = writer
    }
}

extension ByteBuffer {
    fileprivate mutating func little(_ number: some FixedWidthInteger) { writeInteger(number, endianness: .little) }
}

/// The checksum of ZIP (ISO 3309), with the polynomial 0x04C11DB7 from its lowest bit on.
struct CRC32: Sendable {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    private var state: UInt32 = .max

    /// The checksum of what was added.
    var value: UInt32 { ~state }

    mutating func add(_ bytes: [UInt8]) {
        var state = state
        Self.table.withUnsafeBufferPointer { table in
            for byte in bytes { state = table[Int((state ^ UInt32(byte)) & 0xFF)] ^ state >> 8 }
        }
        self.state = state
    }
}
