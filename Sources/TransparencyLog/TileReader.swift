public import Ledger

/// Roots and proofs of a stored tree, from no more tiles than they need.
///
/// It trusts the tiles: whoever uses a proof checks it against a signed root.
public struct TileReader {
    /// Leaves of the tree whose tiles are read.
    public let size: UInt64
    private let read: (Tile) async throws -> [Digest]
    private var cache: [Tile: [Digest]] = [:]

    /// Reads a tree.
    ///
    /// - Parameter read: gives the hashes of a tile. It may take a partial tile's from the full one, its first hashes.
    public init(ofTree size: UInt64, read: @escaping (Tile) async throws -> [Digest]) {
        self.size = size
        self.read = read
    }

    /// The root over the first leaves.
    public mutating func root(ofFirst count: UInt64) async throws -> Digest { try await hash(of: 0..<count) }

    /// A leaf's hash.
    public mutating func leaf(at index: UInt64) async throws -> Digest { try await hash(of: index..<index + 1) }

    /// The hashes from a leaf's sibling up to the child of the root (RFC 6962, section 2.1.1).
    public mutating func inclusionProof(of index: UInt64) async throws -> [Digest] {
        precondition(index < size, "leaf \(index) of a tree of \(size)")
        var siblings: [Range<UInt64>] = []
        var range = 0..<size
        while range.count > 1 {
            let middle = range.lowerBound + Self.split(UInt64(range.count))
            if index < middle {
                siblings.append(middle..<range.upperBound)
                range = range.lowerBound..<middle
            } else {
                siblings.append(range.lowerBound..<middle)
                range = middle..<range.upperBound
            }
        }
        return try await hashes(of: siblings.reversed())
    }

    /// The hashes that show that the tree extends its first leaves (RFC 6962, section 2.1.2).
    public mutating func consistencyProof(from old: UInt64) async throws -> [Digest] {
        precondition(old <= size, "a tree of \(size) is smaller than \(old)")
        guard old > 0, old < size else { return [] }
        var parts: [Range<UInt64>] = []
        var range = 0..<size
        var isWhole = true
        while range.upperBound != old {
            let middle = range.lowerBound + Self.split(UInt64(range.count))
            if old <= middle {
                parts.append(middle..<range.upperBound)
                range = range.lowerBound..<middle
            } else {
                parts.append(range.lowerBound..<middle)
                range = middle..<range.upperBound
                isWhole = false
            }
        }
        if !isWhole { parts.append(range) }
        return try await hashes(of: parts.reversed())
    }

    /// The largest power of two below a number.
    private static func split(_ count: UInt64) -> UInt64 {
        1 << UInt64(UInt64.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }

    private mutating func hashes(of ranges: [Range<UInt64>]) async throws -> [Digest] {
        var hashes: [Digest] = []
        for range in ranges { hashes.append(try await hash(of: range)) }
        return hashes
    }

    /// The root over a part that the tree's own splitting gives, so that complete subtrees lie in it from the left.
    private mutating func hash(of range: Range<UInt64>) async throws -> Digest {
        var peaks: [Digest] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let height = UInt64.bitWidth - 1 - (range.upperBound - start).leadingZeroBitCount
            peaks.append(try await subtree(height: height, index: start >> UInt64(height)))
            start += 1 << UInt64(height)
        }
        return MerkleHash.joined(peaks)
    }

    private mutating func subtree(height: Int, index: UInt64) async throws -> Digest {
        // A tile's own root is a hash of the level above, which a full tile's successor holds; below that it is computed.
        let level = height / 8
        let count = 1 << (height % 8)
        let first = index << UInt64(height % 8)
        let tile = Tile.holding(first, of: .hashes(level: level), inTreeOf: size)
        let hashes = try await hashes(in: tile)
        let offset = Int(first % UInt64(Tile.fullWidth))
        guard offset + count <= hashes.count else {
            throw LogDamage(tile: tile, reason: "it has \(hashes.count) hashes instead of \(tile.width)")
        }
        return MerkleHash.root(of: hashes[offset..<offset + count])
    }

    private mutating func hashes(in tile: Tile) async throws -> [Digest] {
        if let known = cache[tile] { return known }
        let hashes = try await read(tile)
        cache[tile] = hashes
        return hashes
    }
}
