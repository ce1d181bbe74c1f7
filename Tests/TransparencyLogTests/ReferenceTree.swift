import Ledger
import TransparencyLog

/// RFC 6962, section 2.1, word for word and as slow as that: what the log is compared with.
struct ReferenceTree {
    let leaves: [Digest]

    init(_ entries: [[UInt8]]) { leaves = entries.map(MerkleHash.leaf) }

    /// A tree of entries that are their own number.
    init(size: Int) { self.init((0..<size).map { Array("entry \($0)".utf8) }) }

    func root(_ range: Range<Int>) -> Digest {
        switch range.count {
        case 0: return MerkleHash.emptyRoot
        case 1: return leaves[range.lowerBound]
        default:
            let middle = range.lowerBound + Self.split(range.count)
            return MerkleHash.node(root(range.lowerBound..<middle), root(middle..<range.upperBound))
        }
    }

    /// PATH(m, D[n]).
    func path(_ index: Int, _ range: Range<Int>) -> [Digest] {
        guard range.count > 1 else { return [] }
        let middle = range.lowerBound + Self.split(range.count)
        return index < middle
            ? path(index, range.lowerBound..<middle) + [root(middle..<range.upperBound)]
            : path(index, middle..<range.upperBound) + [root(range.lowerBound..<middle)]
    }

    /// SUBPROOF(m, D[n], b).
    func subproof(_ old: Int, _ range: Range<Int>, _ isWhole: Bool) -> [Digest] {
        if range.upperBound == old { return isWhole ? [] : [root(range)] }
        let middle = range.lowerBound + Self.split(range.count)
        return old <= middle
            ? subproof(old, range.lowerBound..<middle, isWhole) + [root(middle..<range.upperBound)]
            : subproof(old, middle..<range.upperBound, false) + [root(range.lowerBound..<middle)]
    }

    private static func split(_ count: Int) -> Int {
        var power = 1
        while power * 2 < count { power *= 2 }
        return power
    }
}

/// A log's files in memory.
final class TileShelf {
    private(set) var files: [String: [Digest]] = [:]
    private(set) var reads: [Tile] = []
    private(set) var edge = RightEdge()

    /// Appends leaves, and stores what a checkpoint of this size needs.
    func append(_ leaves: some Sequence<Digest>) {
        for leaf in leaves {
            for full in edge.append(leaf) { files[full.tile.path] = full.hashes }
        }
        for partial in edge.partialTiles { files[partial.tile.path] = partial.hashes }
    }

    func read(_ tile: Tile) throws -> [Digest] {
        reads.append(tile)
        guard let hashes = files[tile.path] else { throw LogDamage(tile: tile, reason: "there is none") }
        return hashes
    }

    func reader(of size: UInt64) -> TileReader { TileReader(ofTree: size) { try self.read($0) } }
}
