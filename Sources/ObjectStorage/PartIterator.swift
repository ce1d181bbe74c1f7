import NIOCore

/// Cuts a stream into parts of one size; the last may be shorter.
///
/// Asks the stream for more only when a part is asked for. A buffer that spans two parts is split without a copy of its rest.
struct PartIterator<Base: AsyncIteratorProtocol> where Base.Element == ByteBuffer {
    private var base: Base
    private let partBytes: Int
    private var rest = ByteBuffer()
    private var hasEnded = false

    init(_ base: Base, partBytes: Int) {
        self.base = base
        self.partBytes = partBytes
    }

    /// The next part; nil after the last.
    mutating func next() async throws -> ByteBuffer? {
        var part = ByteBuffer()
        while part.readableBytes < partBytes {
            if rest.readableBytes == 0 {
                guard !hasEnded, let chunk = try await base.next(isolation: #isolation) else {
                    hasEnded = true
                    break
                }
                rest = chunk
                continue
            }
            // At the second chunk, room for a whole part at once: a buffer that grows leaves its smaller selves behind.
            if part.readableBytes > 0, part.capacity < partBytes { part.reserveCapacity(partBytes) }
            let wanted = min(rest.readableBytes, partBytes - part.readableBytes)
            guard var slice = rest.readSlice(length: wanted) else { preconditionFailure("the rest has so many bytes") }
            part.writeBuffer(&slice)
        }
        return part.readableBytes > 0 ? part : nil
    }
}
