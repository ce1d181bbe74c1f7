/// Why a log is not published further.
public enum LogPublishingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The published checkpoint can't be read, or isn't signed by the log's own key.
    case checkpointNotOurs
    /// The stored tiles lead to another root than the one that was signed.
    case rootDiffers(size: UInt64)
    /// The source has fewer entries than were published: it was set back, or is another one.
    case journalIsShorter(published: UInt64)
    /// The journal's event is not the one that was published.
    case eventDiffers(position: Int64)
    /// An event's hash does not follow from its columns.
    case eventDamaged(position: Int64)
    /// An event's position is not the next one.
    case gap(position: Int64)
    /// One of the entries up to a position has more than the 65,535 bytes that a bundle can say.
    case entryTooLong(upTo: Int64)

    /// What is wrong, for whoever operates the log.
    public var description: String {
        switch self {
        case .checkpointNotOurs: "the published checkpoint is not signed by the log's key"
        case .rootDiffers(let size): "the tiles of the first \(size) entries don't lead to the root that was signed"
        case .journalIsShorter(let size): "the journal is shorter than the \(size) entries that were published"
        case .eventDiffers(let position): "the event at position \(position) is not the one that was published"
        case .eventDamaged(let position): "the event at position \(position) does not have the hash of its columns"
        case .gap(let position): "there is no event at position \(position)"
        case .entryTooLong(let position): "one of the 256 entries up to \(position) has more than 65,535 bytes"
        }
    }
}
