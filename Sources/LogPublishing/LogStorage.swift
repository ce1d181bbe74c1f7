/// Where the files of a log are: a folder or a bucket that is served as it is.
public protocol LogStorage: Sendable {
    /// The bytes of a file; nil when there is none.
    func read(_ path: String) async throws -> [UInt8]?

    /// Writes a file, in place of one of the same path. It is there whole and durably once this returns, or not at all.
    func write(_ bytes: [UInt8], to path: String) async throws
}

/// Why a log is not published further.
public enum LogPublishingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The published checkpoint can't be read, or isn't signed by the log's own key.
    case checkpointNotOurs
    /// A tile or bundle is missing, or has another size.
    case fileDamaged(String)
    /// The stored tiles lead to another root than the one that was signed.
    case rootDiffers(size: UInt64)
    /// The journal has fewer events than were published: it was set back, or is another one.
    case journalIsShorter(published: UInt64)
    /// The journal's event is not the one that was published.
    case eventDiffers(position: Int64)
    /// An event's hash does not follow from its columns.
    case eventDamaged(position: Int64)
    /// An event's position is not the next one.
    case gap(position: Int64)

    /// What is wrong, for whoever operates the log.
    public var description: String {
        switch self {
        case .checkpointNotOurs: "the published checkpoint is not signed by the log's key"
        case .fileDamaged(let path): "\(path) is missing or damaged"
        case .rootDiffers(let size): "the tiles of the first \(size) entries don't lead to the root that was signed"
        case .journalIsShorter(let size): "the journal is shorter than the \(size) entries that were published"
        case .eventDiffers(let position): "the event at position \(position) is not the one that was published"
        case .eventDamaged(let position): "the event at position \(position) does not have the hash of its columns"
        case .gap(let position): "there is no event at position \(position)"
        }
    }
}
