import NIOCore
import Runs
import Synchronization

/// A medium's bytes as they come in: checked against the limit and the announced length while they pass.
struct MediaBody<Base: AsyncIteratorProtocol>: AsyncSequence where Base.Element == ByteBuffer {
    /// What was read already to learn the format.
    let head: ByteBuffer
    let rest: Base
    let maximumBytes: Int64
    /// How many bytes the source said there are.
    let announcedBytes: Int64?
    /// How many bytes have passed.
    let passed = PassedBytes()

    func makeAsyncIterator() -> Iterator { Iterator(body: self) }

    struct Iterator: AsyncIteratorProtocol {
        private let body: MediaBody
        private var rest: Base
        private var seen: Int64 = 0
        private var hasGivenHead = false

        init(body: MediaBody) {
            self.body = body
            self.rest = body.rest
        }

        mutating func next() async throws -> ByteBuffer? {
            if !hasGivenHead {
                hasGivenHead = true
                seen = Int64(body.head.readableBytes)
                if seen > body.maximumBytes { throw MediaFailure.tooLarge(body.maximumBytes) }
                if seen > 0 { return body.head }
            }
            guard let chunk = try await rest.next(isolation: #isolation) else {
                if let announced = body.announcedBytes, announced != seen {
                    throw MediaFailure(isTransient: true, reason: "the source sent \(seen) of \(announced) bytes")
                }
                body.passed.note(seen)
                return nil
            }
            seen += Int64(chunk.readableBytes)
            if seen > body.maximumBytes { throw MediaFailure.tooLarge(body.maximumBytes) }
            return chunk
        }
    }
}

/// The size of a body, known once it has passed.
final class PassedBytes: Sendable {
    private let count = Atomic<Int64>(0)

    var byteCount: Int64 { count.load(ordering: .acquiring) }

    func note(_ byteCount: Int64) { count.store(byteCount, ordering: .releasing) }
}

extension MediaFailure {
    static func tooLarge(_ maximumBytes: Int64) -> MediaFailure {
        MediaFailure(isTransient: false, reason: "the medium has more than \(maximumBytes) bytes")
    }
}
