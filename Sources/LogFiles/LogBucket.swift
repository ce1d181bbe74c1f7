import NIOCore
public import ObjectStorage

/// The files of a log in a bucket, below a prefix.
public struct LogBucket: LogStorage {
    /// How long one file may take, with every attempt.
    private static let patience = Duration.seconds(30)
    /// The largest file of a log: 256 entries of 65,535 bytes, each after two bytes.
    private static let largestFileBytes = 256 * 65_537

    private let client: S3Client

    /// Takes a bucket.
    public init(_ client: S3Client) { self.client = client }

    /// The bytes of an object; nil when there is none.
    public func read(_ path: String) async throws -> [UInt8]? {
        try await client.read(try name(path), upTo: Self.largestFileBytes, deadline: .now + Self.patience)
    }

    /// Writes an object. Storage answers only once it has it.
    public func write(_ bytes: [UInt8], to path: String) async throws {
        try await client.write(
            try name(path),
            contentType: LogFileType.of(path),
            from: OneBuffer(bytes: bytes),
            deadline: .now + Self.patience
        )
    }

    private func name(_ path: String) throws -> ObjectName {
        guard let name = ObjectName(path) else { throw LogFileDamaged(path: path, reason: "is no name of an object") }
        return name
    }

    private struct OneBuffer: AsyncSequence, AsyncIteratorProtocol {
        var bytes: [UInt8]?

        func makeAsyncIterator() -> OneBuffer { self }

        mutating func next() async -> ByteBuffer? {
            defer { bytes = nil }
            return bytes.map { ByteBuffer(bytes: $0) }
        }
    }
}

/// The media types of a log's files.
public enum LogFileType {
    /// Text for checkpoints, bytes for everything else.
    public static func of(_ path: String) -> String {
        path.hasSuffix(LogPaths.checkpoint) ? "text/plain; charset=utf-8" : "application/octet-stream"
    }
}
