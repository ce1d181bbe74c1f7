import Ledger
import Testing

@testable import TransparencyLog

@Suite struct MerkleTreeTests {
    /// The reference tree of Certificate Transparency: eight entries, and the first bytes of the roots over each prefix.
    private static let entries: [[UInt8]] = [
        [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
        [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57], Array(0x60...0x6f),
    ]
    private static let roots = [
        "6e340b9c", "fac54203", "aeb6bcfe", "d37ee418", "4e3bbb1f", "76e67dad", "ddb89be4", "5dc9da79",
    ]

    @Test func hashesAreThoseOfRFC6962() {
        #expect(MerkleHash.emptyRoot.description.hasPrefix("e3b0c44298fc1c149afbf4c8996fb924"))
        #expect(MerkleHash.leaf(Array("L123456".utf8)).description.hasPrefix("395aa064"))
        #expect(MerkleHash.leaf([]).description.hasPrefix("6e340b9c"))
        // The node of transparency-dev/merkle's rfc6962_test.go, over two texts that stand for hashes.
        let node = MerkleHash.node { $0 += Array("N123".utf8) + Array("N456".utf8) }
        #expect(node.description == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb")
    }

    @Test func rootsAreThoseOfTheReferenceTree() {
        var edge = RightEdge()
        for (entry, root) in zip(Self.entries, Self.roots) {
            edge.append(MerkleHash.leaf(entry))
            #expect(edge.root.description.hasPrefix(root))
        }
    }

    @Test func growingIsFoldingByTheRFC() {
        let tree = ReferenceTree(size: 1_100)
        var edge = RightEdge()
        #expect(edge.root == MerkleHash.emptyRoot)
        for (index, leaf) in tree.leaves.enumerated() {
            edge.append(leaf)
            if index < 40 || index % 97 == 0 || (250...260).contains(index) {
                #expect(edge.root == tree.root(0..<index + 1), "size \(index + 1)")
            }
        }
    }

    @Test func aTreeOf70000HasTheTilesOfTheSpecification() {
        let tiles = Tile.hashTiles(ofTree: 70_000)
        func count(_ level: Int, full: Bool) -> Int {
            tiles.count { $0.kind == .hashes(level: level) && $0.isFull == full }
        }
        #expect(count(0, full: true) == 273)
        #expect(count(1, full: true) == 1)
        #expect(tiles.filter { !$0.isFull }.map(\.width) == [112, 17, 1])
        #expect(Tile.hashTiles(ofTree: 256).map(\.width) == [256, 1])
        #expect(Tile.hashTiles(ofTree: 0).isEmpty)
    }

    @Test func pathsAreThoseOfTheSpecification() {
        #expect(Tile(.hashes(level: 0), index: 1_234_067).path == "tile/0/x001/x234/067")
        #expect(Tile(.hashes(level: 2), index: 0, width: 8).path == "tile/2/000.p/8")
        #expect(Tile(.entries, index: 1_000).path == "tile/entries/x001/000")
    }

    @Test func anEdgeReadFromItsTilesGrowsOnAsBefore() async throws {
        let tree = ReferenceTree(size: 66_000)
        let shelf = TileShelf()
        shelf.append(tree.leaves[..<65_799])
        var restored = try await RightEdge(ofTree: 65_799) { try shelf.read($0) }
        #expect(restored == shelf.edge)
        // The three tiles of the right edge, and no other.
        #expect(shelf.reads.count == 3)
        for leaf in tree.leaves[65_799...] { restored.append(leaf) }
        shelf.append(tree.leaves[65_799...])
        #expect(restored.root == shelf.edge.root)
    }

    @Test func aShortTileIsDamage() async {
        let tree = ReferenceTree(size: 10)
        await #expect(throws: LogDamage.self) {
            _ = try await RightEdge(ofTree: 10) { _ in Array(tree.leaves.prefix(9)) }
        }
    }

    @Test func bundlesKeepEntriesApart() throws {
        let entries: [[UInt8]] = [[], [1], Array(repeating: 7, count: 65_535)]
        let bytes = try #require(TileBytes.encode(entries: entries))
        #expect(TileBytes.decodeEntries(bytes, width: 3) == entries)
        #expect(TileBytes.decodeEntries(bytes, width: 2) == nil)
        #expect(TileBytes.decodeEntries(Array(bytes.dropLast()), width: 3) == nil)
        #expect(TileBytes.encode(entries: [Array(repeating: 7, count: 65_536)]) == nil)
        #expect(TileBytes.decode(TileBytes.encode([.zero, .zero]), width: 2) == [.zero, .zero])
        #expect(TileBytes.decode(TileBytes.encode([.zero, .zero]), width: 3) == nil)
    }
}
