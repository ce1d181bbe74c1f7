/// A kind of medium, as results name it.
public enum MediaKind: String, Hashable, Sendable, CaseIterable {
    /// Still pictures.
    case images
    /// Moving pictures.
    case videos
    /// Sound.
    case audios

    /// The first part of its media types.
    var typePrefix: String {
        switch self {
        case .images: "image/"
        case .videos: "video/"
        case .audios: "audio/"
        }
    }
}

/// How much is taken.
public struct MediaLimits: Hashable, Sendable {
    /// The largest image, in bytes.
    public var imageBytes: Int64 = 64 << 20
    /// The largest video, in bytes.
    public var videoBytes: Int64 = 2 << 30
    /// The largest audio, in bytes.
    public var audioBytes: Int64 = 256 << 20
    /// How many media a result may have.
    public var mediaPerResult = 64
    /// How many media are copied at a time, over all runs: each holds up to two of the storage's parts in memory.
    public var concurrentCopies = 4
    /// How often a copy is tried.
    public var attempts = 8

    /// The defaults.
    public init() {}

    /// The largest medium of a kind, in bytes.
    public func bytes(of kind: MediaKind) -> Int64 {
        switch kind {
        case .images: imageBytes
        case .videos: videoBytes
        case .audios: audioBytes
        }
    }
}
