import Ledger
import Testing
import TransparencyLog

/// The published vectors of transparency-dev/merkle (`testdata/inclusion` and `testdata/consistency`): its happy paths, value by
/// value, and every way in which its files of the same folders spoil them. All of them are over the reference tree of Certificate
/// Transparency.
@Suite("Published vectors") struct PublishedVectorTests {
    struct Inclusion: Sendable {
        var index: UInt64
        var size: UInt64
        var root: String
        var leaf: String
        var proof: [String]

        var holds: Bool {
            guard let root = Digest(base64: root), let leaf = Digest(base64: leaf) else { return false }
            let path = proof.compactMap { Digest(base64: $0) }
            return path.count == proof.count
                && MerkleProof.includes(leaf, at: index, inTreeOf: size, path: path, root: root)
        }
    }

    struct Consistency: Sendable {
        var size1: UInt64
        var size2: UInt64
        var root1: String
        var root2: String
        var proof: [String]

        var holds: Bool {
            guard let root1 = Digest(base64: root1), let root2 = Digest(base64: root2) else { return false }
            let path = proof.compactMap { Digest(base64: $0) }
            return path.count == proof.count && MerkleProof.extends((size1, root1), to: (size2, root2), path: path)
        }
    }

    private static let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    private static let root8 = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="
    private static let root5 = "Tju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ="
    private static let leaf0 = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0="
    private static let leaf1 = "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c="
    private static let node01 = "+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU="
    private static let node23 = "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4="
    private static let node67 = "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA="
    private static let node03 = "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc="
    private static let node47 = "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ="
    private static let leaf4 = "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms="

    static let inclusions = [
        Inclusion(index: 0, size: 8, root: root8, leaf: leaf0, proof: [leaf1, node23, node47]),
        Inclusion(
            index: 5,
            size: 8,
            root: root8,
            leaf: "QnGia+DYqE8L1UyMMC58s6O10fpngKQLzOKHNHfatlg=",
            proof: [leaf4, node67, node03]
        ),
        Inclusion(
            index: 2,
            size: 3,
            root: "rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=",
            leaf: "ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=",
            proof: [node01]
        ),
        Inclusion(index: 1, size: 5, root: root5, leaf: leaf1, proof: [leaf0, node23, leaf4]),
    ]

    static let consistencies = [
        Consistency(size1: 1, size2: 8, root1: leaf0, root2: root8, proof: [leaf1, node23, node47]),
        Consistency(
            size1: 6,
            size2: 8,
            root1: "duZ9rbzfHhDht03cYIq9L5jfsW+851J3tSMqEn8gh+8=",
            root2: root8,
            proof: ["DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=", node67, node03]
        ),
        Consistency(size1: 2, size2: 5, root1: node01, root2: root5, proof: [node23, leaf4]),
    ]

    /// A hash that is none of the tree's; its files call it garbage.
    private static let garbage = Digest(of: Array("garbage".utf8)).base64

    private static func flipped(_ hash: String, bit: Int) -> String {
        var bytes = Digest(base64: hash)!.bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return Digest(bytes: bytes)!.base64
    }

    @Test(arguments: inclusions.indices)
    func inclusion(_ index: Int) {
        let vector = Self.inclusions[index]
        #expect(vector.holds)
        func refused(_ what: String, _ spoil: (inout Inclusion) -> Void) {
            var spoilt = vector
            spoil(&spoilt)
            #expect(!spoilt.holds, "\(what)")
        }
        refused("leafIdx - 1") { $0.index &-= 1 }
        refused("leafIdx + 1") { $0.index += 1 }
        refused("leafIdx ^ 2") { $0.index ^= 2 }
        refused("treeSize * 2") { $0.size *= 2 }
        refused("treeSize / 2") { $0.size /= 2 }
        refused("wrong leaf") { $0.leaf = Self.garbage }
        refused("empty root") { $0.root = Self.empty }
        refused("random root") { $0.root = Self.garbage }
        refused("trailing garbage") { $0.proof.append(Self.garbage) }
        refused("trailing root") { $0.proof.append($0.root) }
        refused("preceding garbage") { $0.proof.insert(Self.garbage, at: 0) }
        refused("preceding root") { $0.proof.insert($0.root, at: 0) }
        refused("inserted component") { $0.proof.insert(Self.garbage, at: $0.proof.count / 2) }
        refused("removed component") { $0.proof.removeLast() }
        refused("empty proof") { $0.proof = [] }
        for place in vector.proof.indices {
            refused("modified proof \(place)") { $0.proof[place] = Self.flipped($0.proof[place], bit: 3) }
        }
    }

    @Test(arguments: consistencies.indices)
    func consistency(_ index: Int) {
        let vector = Self.consistencies[index]
        #expect(vector.holds)
        func refused(_ what: String, _ spoil: (inout Consistency) -> Void) {
            var spoilt = vector
            spoil(&spoilt)
            #expect(!spoilt.holds, "\(what)")
        }
        refused("size1 - 1") { $0.size1 -= 1 }
        refused("size1 + 1") { $0.size1 += 1 }
        refused("size1 ^ 2") { $0.size1 ^= 2 }
        refused("size2 * 2") { $0.size2 *= 2 }
        refused("size2 / 2") { $0.size2 /= 2 }
        refused("wrong root1") { $0.root1 = Self.garbage }
        refused("wrong root2") { $0.root2 = Self.garbage }
        refused("swapped roots") { swap(&$0.root1, &$0.root2) }
        refused("empty proof") { $0.proof = [] }
        refused("trailing garbage") { $0.proof.append(Self.garbage) }
        refused("trailing root1") { $0.proof.append($0.root1) }
        refused("trailing root2") { $0.proof.append($0.root2) }
        refused("preceding garbage") { $0.proof.insert(Self.garbage, at: 0) }
        refused("preceding root1") { $0.proof.insert($0.root1, at: 0) }
        refused("preceding root2") { $0.proof.insert($0.root2, at: 0) }
        refused("preceding proof") { $0.proof.insert($0.proof[0], at: 0) }
        refused("truncated proof") { $0.proof.removeLast() }
        for place in vector.proof.indices {
            refused("modified proof \(place)") { $0.proof[place] = Self.flipped($0.proof[place], bit: 4) }
        }
    }

    /// RFC 6962, section 2.1.3: the seven leaves d0 to d6, with the names of its figure.
    @Test func theRFCsExample() async throws {
        let entries = (0..<7).map { Array("d\($0)".utf8) }
        let leaves = entries.map(MerkleHash.leaf)
        let (a, b, c, d, e, f, j) = (leaves[0], leaves[1], leaves[2], leaves[3], leaves[4], leaves[5], leaves[6])
        let (g, h, i) = (MerkleHash.node(a, b), MerkleHash.node(c, d), MerkleHash.node(e, f))
        let (k, l) = (MerkleHash.node(g, h), MerkleHash.node(i, j))
        let shelf = TileShelf()
        shelf.append(leaves)
        var tree = shelf.reader(of: 7)
        #expect(try await tree.root(ofFirst: 7) == MerkleHash.node(k, l))
        #expect(try await tree.inclusionProof(of: 0) == [b, h, l])
        #expect(try await tree.inclusionProof(of: 3) == [c, g, l])
        #expect(try await tree.inclusionProof(of: 4) == [f, j, k])
        #expect(try await tree.inclusionProof(of: 6) == [i, k])
        #expect(try await tree.consistencyProof(from: 3) == [c, d, g, l])
        #expect(try await tree.consistencyProof(from: 4) == [l])
        #expect(try await tree.consistencyProof(from: 6) == [i, j, k])
    }
}
