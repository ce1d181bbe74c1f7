import Foundation
import Ledger
import TestSupport
import Testing
import TransparencyLog

/// The published vectors of transparency-dev/merkle (`testdata/inclusion` and `testdata/consistency`): its happy paths, value by
/// value, and every way in which its files of the same folders spoil them. All of them are over the reference tree of Certificate
/// Transparency.
@Suite("Published vectors") struct PublishedVectorTests {
    struct Inclusion: Sendable, Encodable {
        var kind = "inclusion"
        var index: Int64
        var size: Int64
        var root: String
        var leaf: String
        var proof: [String]

        var holds: Bool {
            guard let root = Digest(base64: root), let leaf = Digest(base64: leaf) else { return false }
            let path = proof.compactMap { Digest(base64: $0) }
            return path.count == proof.count
                && MerkleProof.includes(
                    leaf,
                    at: UInt64(bitPattern: index),
                    inTreeOf: UInt64(bitPattern: size),
                    path: path,
                    root: root
                )
        }
    }

    struct Consistency: Sendable, Encodable {
        var kind = "consistency"
        var size1: Int64
        var size2: Int64
        var root1: String
        var root2: String
        var proof: [String]

        var holds: Bool {
            guard let root1 = Digest(base64: root1), let root2 = Digest(base64: root2) else { return false }
            let path = proof.compactMap { Digest(base64: $0) }
            let old = (size: UInt64(bitPattern: size1), root: root1)
            return path.count == proof.count
                && MerkleProof.extends(old, to: (UInt64(bitPattern: size2), root2), path: path)
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
        Consistency(
            size1: 6,
            size2: 7,
            root1: "duZ9rbzfHhDht03cYIq9L5jfsW+851J3tSMqEn8gh+8=",
            root2: "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=",
            proof: [
                "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=", "sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=",
                node03,
            ]
        ),
    ]

    /// A hash that is none of the tree's; its files call it garbage.
    private static let garbage = Digest(of: Array("garbage".utf8)).base64

    /// The leaf of one entry, "data", which is the root of its tree too.
    private static let data = MerkleHash.leaf(Array("data".utf8)).base64

    /// What its files add that is refused: `single-entry` and `additional`.
    private static let refusedInclusions =
        [(data, ""), ("", data), ("", "")].map {
            Inclusion(index: 0, size: 1, root: $0.1, leaf: $0.0, proof: [])
        }
        + [(0, 0), (0, 1), (1, 0), (2, 1)].flatMap { (index: Int64, size: Int64) in
            [(empty, garbage), (garbage, empty)].map { root, leaf in
                Inclusion(index: index, size: size, root: root, leaf: leaf, proof: [])
            }
        }

    private static let refusedConsistencies = [
        (0, 0, root5, root8, []), (1, 1, root5, root8, []), (1, 0, root5, root8, []), (2, 1, root5, root8, []),
        (1, 2, root5, root8, []), (0, 0, empty, root8, []), (1, 1, empty, root8, []), (0, 0, empty, empty, [empty]),
        (0, 1, empty, empty, [empty]), (1, 1, empty, empty, [empty]),
    ].map { (size1: Int64, size2: Int64, root1: String, root2: String, proof: [String]) in
        Consistency(size1: size1, size2: size2, root1: root1, root2: root2, proof: proof)
    }

    private static func flipped(_ hash: String, bit: Int) -> String {
        var bytes = Digest(base64: hash)!.bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return Digest(bytes: bytes)!.base64
    }

    /// Copies of a vector, each with something changed.
    private struct Spoiler<Vector> {
        let vector: Vector
        private(set) var all: [(what: String, vector: Vector)] = []

        init(vector: Vector) { self.vector = vector }

        mutating func callAsFunction(_ what: String, _ spoil: (inout Vector) -> Void) {
            var copy = vector
            spoil(&copy)
            all.append((what, copy))
        }
    }

    /// Every way in which its files spoil a vector.
    private static func spoilt(_ vector: Inclusion) -> [(what: String, vector: Inclusion)] {
        var spoilt = Spoiler(vector: vector)
        spoilt("leafIdx - 1") { $0.index &-= 1 }
        spoilt("leafIdx + 1") { $0.index += 1 }
        spoilt("leafIdx ^ 2") { $0.index ^= 2 }
        spoilt("treeSize * 2") { $0.size *= 2 }
        spoilt("treeSize / 2") { $0.size /= 2 }
        spoilt("wrong leaf") { $0.leaf = Self.garbage }
        spoilt("empty root") { $0.root = Self.empty }
        spoilt("random root") { $0.root = Self.garbage }
        spoilt("trailing garbage") { $0.proof.append(Self.garbage) }
        spoilt("trailing root") { $0.proof.append($0.root) }
        spoilt("preceding garbage") { $0.proof.insert(Self.garbage, at: 0) }
        spoilt("preceding root") { $0.proof.insert($0.root, at: 0) }
        spoilt("inserted component") { $0.proof.insert(Self.garbage, at: $0.proof.count / 2) }
        spoilt("removed component") { $0.proof.removeLast() }
        spoilt("empty proof") { $0.proof = [] }
        for place in vector.proof.indices {
            spoilt("modified proof \(place)") { $0.proof[place] = Self.flipped($0.proof[place], bit: 3) }
        }
        return spoilt.all
    }

    /// Every way in which its files spoil a vector.
    private static func spoilt(_ vector: Consistency) -> [(what: String, vector: Consistency)] {
        var spoilt = Spoiler(vector: vector)
        spoilt("size1 - 1") { $0.size1 -= 1 }
        spoilt("size1 + 1") { $0.size1 += 1 }
        spoilt("size1 ^ 2") { $0.size1 ^= 2 }
        spoilt("size2 * 2") { $0.size2 *= 2 }
        spoilt("size2 / 2") { $0.size2 /= 2 }
        spoilt("wrong root1") { $0.root1 = Self.garbage }
        spoilt("wrong root2") { $0.root2 = Self.garbage }
        spoilt("swapped roots") { swap(&$0.root1, &$0.root2) }
        spoilt("empty proof") { $0.proof = [] }
        spoilt("trailing garbage") { $0.proof.append(Self.garbage) }
        spoilt("trailing root1") { $0.proof.append($0.root1) }
        spoilt("trailing root2") { $0.proof.append($0.root2) }
        spoilt("preceding garbage") { $0.proof.insert(Self.garbage, at: 0) }
        spoilt("preceding root1") { $0.proof.insert($0.root1, at: 0) }
        spoilt("preceding root2") { $0.proof.insert($0.root2, at: 0) }
        spoilt("preceding proof") { $0.proof.insert($0.proof[0], at: 0) }
        spoilt("truncated proof") { $0.proof.removeLast() }
        for place in vector.proof.indices {
            spoilt("modified proof \(place)") { $0.proof[place] = Self.flipped($0.proof[place], bit: 4) }
        }
        return spoilt.all
    }

    @Test(arguments: inclusions)
    func inclusion(_ vector: Inclusion) {
        #expect(vector.holds)
        for (what, spoilt) in Self.spoilt(vector) { #expect(!spoilt.holds, "\(what)") }
    }

    @Test(arguments: consistencies)
    func consistency(_ vector: Consistency) {
        #expect(vector.holds)
        for (what, spoilt) in Self.spoilt(vector) { #expect(!spoilt.holds, "\(what)") }
    }

    @Test("the proofs of single and empty trees that its files add are refused, but for the one that holds")
    func additional() {
        #expect(Inclusion(index: 0, size: 1, root: Self.data, leaf: Self.data, proof: []).holds)
        #expect(Consistency(size1: 1, size2: 1, root1: Self.root8, root2: Self.root8, proof: []).holds)
        for vector in Self.refusedInclusions { #expect(!vector.holds, "\(vector)") }
        for vector in Self.refusedConsistencies { #expect(!vector.holds, "\(vector)") }
    }

    @Test("the verifiers of others accept each vector, and refuse it in every way in which it is spoilt")
    func outside() async throws {
        let tools = try await OutsideTools.make()
        let inclusions =
            Self.inclusions.flatMap { [("as published", $0)] + Self.spoilt($0) }
            + Self.refusedInclusions.map { ("\($0)", $0) }
        let consistencies =
            Self.consistencies.flatMap { [("as published", $0)] + Self.spoilt($0) }
            + Self.refusedConsistencies.map { ("\($0)", $0) }
        try await withTemporaryFolder { folder in
            let file = "\(folder)/vectors.json"
            try JSONEncoder().encode(consistencies.map(\.1)).write(to: URL(fileURLWithPath: file))
            expect(try await tools.go(["vectors", file]), "Go", consistencies.map(\.0), accepted: "true")
            // A hash is 32 bytes by its type in Go.
            let sized = inclusions.filter { !$0.1.leaf.isEmpty && !$0.1.root.isEmpty }
            try JSONEncoder().encode(sized.map(\.1)).write(to: URL(fileURLWithPath: file))
            expect(try await tools.go(["vectors", file]), "Go", sized.map(\.0), accepted: "true")
            try JSONEncoder().encode(inclusions.map(\.1)).write(to: URL(fileURLWithPath: file))
            let python = try await tools.python(["vectors", file])
            expect(python, "pymerkle, verify-log", inclusions.map(\.0), accepted: "true true", refused: "false false")
        }
    }

    /// Expects a verdict a line.
    private func expect(
        _ result: (isGood: Bool, text: String),
        _ who: String,
        _ names: [String],
        accepted: String,
        refused: String = "false"
    ) {
        #expect(result.isGood, "\(who): \(result.text)")
        let verdicts = result.text.split(separator: "\n")
        #expect(verdicts.count == names.count, "\(who): \(result.text)")
        for (name, verdict) in zip(names, verdicts) {
            #expect(verdict == (name == "as published" ? accepted : refused), "\(who): \(name)")
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
