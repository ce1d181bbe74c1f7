public import Ledger

/// The right edge of a growing tree: all that is needed to append leaves and to compute the root.
///
/// At every level it keeps the hashes of the tile that is not full yet. On average a leaf costs one node hash.
public struct RightEdge: Hashable, Sendable {
    /// Leaves of the tree.
    public private(set) var size: UInt64 = 0
    /// By level, the hashes of the last tile, fewer than 256.
    private var partials: [[Digest]] = []

    /// The edge of an empty tree.
    public init() {}

    /// The edge of a stored tree.
    ///
    /// - Parameter read: gives the hashes of a tile, as many as its width.
    /// - Throws: whatever reading throws, and `LogDamage` when a tile has another number of hashes.
    public init(ofTree size: UInt64, read: (Tile) async throws -> [Digest]) async throws {
        self.size = size
        var hashes = size
        var level = 0
        while hashes > 0 {
            let width = Int(hashes % UInt64(Tile.fullWidth))
            var partial: [Digest] = []
            if width > 0 {
                let tile = Tile(.hashes(level: level), index: hashes / UInt64(Tile.fullWidth), width: width)
                partial = try await read(tile)
                guard partial.count == width else {
                    throw LogDamage(tile: tile, reason: "it has \(partial.count) hashes")
                }
            }
            partials.append(partial)
            hashes /= UInt64(Tile.fullWidth)
            level += 1
        }
    }

    /// Appends a leaf.
    ///
    /// - Returns: the tiles that have become full by it, lowest level first; none for 255 leaves out of 256.
    @discardableResult
    public mutating func append(_ leaf: Digest) -> [(tile: Tile, hashes: [Digest])] {
        var full: [(tile: Tile, hashes: [Digest])] = []
        size += 1
        var hash = leaf
        var level = 0
        while true {
            if level == partials.count { partials.append([]) }
            partials[level].append(hash)
            guard partials[level].count == Tile.fullWidth else { return full }
            let index = (size >> UInt64(8 * (level + 1))) - 1
            hash = MerkleHash.root(of: partials[level])
            full.append((Tile(.hashes(level: level), index: index), partials[level]))
            partials[level].removeAll(keepingCapacity: true)
            level += 1
        }
    }

    /// The tiles that are not full, lowest level first: what has to be stored before the root is signed.
    public var partialTiles: [(tile: Tile, hashes: [Digest])] {
        partials.enumerated().compactMap { level, hashes in
            guard !hashes.isEmpty else { return nil }
            let index = size >> UInt64(8 * (level + 1))
            return (Tile(.hashes(level: level), index: index, width: hashes.count), hashes)
        }
    }

    /// The root of the tree.
    public var root: Digest {
        var peaks: [Digest] = []
        for partial in partials.reversed() {
            var rest = partial[...]
            while !rest.isEmpty {
                let count = 1 << (Int.bitWidth - 1 - rest.count.leadingZeroBitCount)
                peaks.append(MerkleHash.root(of: rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
        }
        return MerkleHash.joined(peaks)
    }
}

/// A stored file of the log that is not what it must be.
public struct LogDamage: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public let tile: Tile
    /// What is wrong with it.
    public let reason: String

    /// Reports damage.
    public init(tile: Tile, reason: String) {
        self.tile = tile
        self.reason = reason
    }

    /// The file's path and what is wrong.
    public var description: String { "\(tile.path): \(reason)" }
}
