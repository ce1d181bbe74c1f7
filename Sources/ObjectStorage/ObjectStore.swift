public import NIOCore

/// A place for objects that are written once and read by whoever has their URL.
public protocol ObjectStore: Sendable {
    /// Writes an object, in place of one of the same name. It is there whole or not at all.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - contentType: its media type, as it will be served.
    ///   - source: its bytes, read as fast as they can be stored and never held whole.
    ///   - deadline: after which nothing is tried again.
    /// - Returns: how many bytes it has.
    /// - Throws: an `ObjectStorageError`, or what the source throws.
    @discardableResult
    func write<Source: AsyncSequence>(
        _ name: ObjectName,
        contentType: String,
        from source: Source,
        deadline: ContinuousClock.Instant
    ) async throws -> Int64 where Source.Element == ByteBuffer

    /// How many bytes an object has; nil when there is none of that name.
    func size(of name: ObjectName, deadline: ContinuousClock.Instant) async throws(ObjectStorageError) -> Int64?

    /// Removes an object; one that is not there is removed already.
    func delete(_ name: ObjectName, deadline: ContinuousClock.Instant) async throws(ObjectStorageError)

    /// Removes every object whose name begins with some parts.
    ///
    /// - Returns: how many there were.
    func deleteAll(under folder: ObjectName, deadline: ContinuousClock.Instant) async throws(ObjectStorageError) -> Int

    /// Where whoever has the URL can read an object.
    ///
    /// - Parameters:
    ///   - name: the object.
    ///   - unixSeconds: the time now, from which a URL of limited life counts.
    func url(of name: ObjectName, unixSeconds: Int64) -> String
}

/// Why storage did not do what it was asked.
public struct ObjectStorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// No answer, or one that asks to try again, until there was no time or no attempt left.
        case unavailable
        /// Storage refused: a wrong key, bucket or signature, or a right that is missing.
        case refused
        /// A disk that is full or can't be written.
        case disk
    }

    /// What went wrong.
    public let code: Code
    /// For operators: the storage's own code and status, never a secret.
    public let reason: String

    /// Makes an error.
    public init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// Whether the same may succeed later. A full disk may be emptied; a refusal needs somebody to change a setting.
    public var isTransient: Bool { code != .refused }

    /// The code and the reason.
    public var description: String { "\(code.rawValue): \(reason)" }
}
