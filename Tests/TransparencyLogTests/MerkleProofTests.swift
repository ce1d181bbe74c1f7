import Ledger
import Testing
import TransparencyLog

@Suite struct MerkleProofTests {
    @Test func everyProofOfSmallTreesIsTheRFCs() async throws {
        let tree = ReferenceTree(size: 70)
        let shelf = TileShelf()
        for size in 1...70 {
            shelf.append([tree.leaves[size - 1]])
            var reader = shelf.reader(of: UInt64(size))
            let root = tree.root(0..<size)
            #expect(try await reader.root(ofFirst: UInt64(size)) == root)
            for index in 0..<size {
                let path = try await reader.inclusionProof(of: UInt64(index))
                #expect(path == tree.path(index, 0..<size))
                #expect(
                    MerkleProof.includes(
                        tree.leaves[index],
                        at: UInt64(index),
                        inTreeOf: UInt64(size),
                        path: path,
                        root: root
                    )
                )
            }
            for old in 1...size {
                let path = try await reader.consistencyProof(from: UInt64(old))
                #expect(path == tree.subproof(old, 0..<size, true))
                let older = (size: UInt64(old), root: tree.root(0..<old))
                #expect(MerkleProof.extends(older, to: (UInt64(size), root), path: path))
            }
        }
    }

    @Test func proofsOfLargeTreesReadFewTiles() async throws {
        let tree = ReferenceTree(size: 70_000)
        let shelf = TileShelf()
        shelf.append(tree.leaves)
        let root = shelf.edge.root
        for index in [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999] {
            let before = shelf.reads.count
            var reader = shelf.reader(of: 70_000)
            let path = try await reader.inclusionProof(of: UInt64(index))
            #expect(shelf.reads.count - before <= 5)
            #expect(
                MerkleProof.includes(
                    tree.leaves[index],
                    at: UInt64(index),
                    inTreeOf: 70_000,
                    path: path,
                    root: root
                )
            )
        }
        var reader = shelf.reader(of: 70_000)
        for old: UInt64 in [1, 2, 255, 256, 257, 65_536, 69_999] {
            let path = try await reader.consistencyProof(from: old)
            let older = (size: old, root: tree.root(0..<Int(old)))
            #expect(MerkleProof.extends(older, to: (70_000, root), path: path))
        }
    }

    @Test func nothingElseIsIncluded() {
        for size in 1...20 {
            let tree = ReferenceTree(size: size)
            let root = tree.root(0..<size)
            for index in 0..<size {
                let path = tree.path(index, 0..<size)
                func holds(
                    leaf: Digest? = nil,
                    at place: Int? = nil,
                    size other: Int? = nil,
                    path changed: [Digest]? = nil,
                    root wrong: Digest? = nil
                ) -> Bool {
                    MerkleProof.includes(
                        leaf ?? tree.leaves[index],
                        at: UInt64(place ?? index),
                        inTreeOf: UInt64(other ?? size),
                        path: changed ?? path,
                        root: wrong ?? root
                    )
                }
                #expect(holds())
                #expect(!holds(leaf: .zero))
                #expect(!holds(at: size))
                #expect(!holds(root: .zero))
                #expect(!holds(path: path + [.zero]))
                #expect(!holds(path: [.zero] + path))
                #expect(!holds(path: path + [root]))
                for place in 0..<size where place != index { #expect(!holds(at: place)) }
                for skipped in path.indices {
                    var shorter = path
                    shorter.remove(at: skipped)
                    #expect(!holds(path: shorter))
                    var changed = path
                    changed[skipped] = .zero
                    #expect(!holds(path: changed))
                }
            }
        }
    }

    @Test func nothingElseIsAnExtension() {
        let tree = ReferenceTree(size: 20)
        for size in 1...20 {
            let root = tree.root(0..<size)
            for old in 1...size {
                let oldRoot = tree.root(0..<old)
                let path = tree.subproof(old, 0..<size, true)
                func holds(_ older: (UInt64, Digest), _ newer: (UInt64, Digest), _ path: [Digest]) -> Bool {
                    MerkleProof.extends((older.0, older.1), to: (newer.0, newer.1), path: path)
                }
                let older = (UInt64(old), oldRoot)
                let newer = (UInt64(size), root)
                #expect(holds(older, newer, path))
                #expect(!holds((UInt64(old), .zero), newer, path))
                #expect(!holds(older, (UInt64(size), .zero), path))
                #expect(!holds(older, newer, path + [.zero]))
                #expect(!holds(older, newer, [.zero] + path))
                #expect(!holds((UInt64(size) + 1, oldRoot), newer, path))
                for skipped in path.indices {
                    var changed = path
                    changed[skipped] = .zero
                    #expect(!holds(older, newer, changed))
                    changed.remove(at: skipped)
                    #expect(!holds(older, newer, changed))
                }
            }
        }
        let whole = (size: UInt64(20), root: tree.root(0..<20))
        #expect(MerkleProof.extends((0, MerkleHash.emptyRoot), to: whole, path: []))
        #expect(!MerkleProof.extends((0, .zero), to: whole, path: []))
        #expect(!MerkleProof.extends((0, MerkleHash.emptyRoot), to: whole, path: [.zero]))
    }
}
