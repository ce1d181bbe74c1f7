import NIOCore
import Runs

/// A medium's bytes as they come in: checked against the limit and the announced length while they pass.
struct MediaBody<Base: AsyncIteratorProtocol>: AsyncSequence where Base.Element == ByteBuffer {
    /// What was read already to learn the format.
    let head: ByteBuffer
    let rest: Base
    let maximumBytes: Int64
    /// How many bytes the source said there are.
    let announcedBytes: Int64?

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
                return nil
            }
            seen += Int64(chunk.readableBytes)
            if seen > body.maximumBytes { throw MediaFailure.tooLarge(body.maximumBytes) }
            return chunk
        }
    }
}

extension MediaFailure {
    static func tooLarge(_ maximumBytes: Int64) -> MediaFailure {
        MediaFailure(isTransient: false, reason: "the medium has more than \(maximumBytes) bytes")
    }
}
