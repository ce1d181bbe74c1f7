public import Ledger

/// Where an export begins and ends: everything, unless something else is said.
public struct ExportBounds: Hashable, Sendable {
    /// A place in every journal.
    public enum Edge: Hashable, Sendable {
        /// Positions by journal, from 0 on; a single one is meant for all of them.
        case positions([Int64])
        /// In each journal, the first event that was recorded at this moment or later.
        case time(Timestamp)
    }

    /// The first events that are in it; nil for the ledger's first.
    public var from: Edge?
    /// The first events that are no longer in it; nil for all there are when it begins.
    public var to: Edge?
    /// What the journals' running hashes before the first events must be; nil when they may be any.
    private(set) var hashesBefore: [Digest]?

    /// Names both ends.
    public init(from: Edge? = nil, to: Edge? = nil) {
        self.from = from
        self.to = to
    }

    /// What follows upon another export of the same ledger without a gap.
    public init(after manifest: ExportManifest) {
        self.init(from: .positions(manifest.heads.map { $0.range.through + 1 }))
        hashesBefore = manifest.heads.map(\.hash)
    }
}
