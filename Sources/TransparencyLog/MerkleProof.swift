public import Ledger

/// Checks of proofs against roots (RFC 9162, sections 2.1.3.2 and 2.1.4.2; the trees are those of RFC 6962).
public enum MerkleProof {
    /// Whether a leaf is in a tree.
    ///
    /// - Parameters:
    ///   - leaf: the leaf's hash.
    ///   - index: its place, from 0.
    ///   - size: the leaves of the tree.
    ///   - path: hashes from the leaf's sibling up to the child of the root.
    ///   - root: the tree's root.
    public static func includes(
        _ leaf: Digest,
        at index: UInt64,
        inTreeOf size: UInt64,
        path: [Digest],
        root: Digest
    ) -> Bool {
        guard index < size else { return false }
        var place = index
        var last = size - 1
        var hash = leaf
        for sibling in path {
            guard last > 0 else { return false }
            if place & 1 == 1 || place == last {
                hash = MerkleHash.node(sibling, hash)
                while place & 1 == 0, place != 0 { shift(&place, &last) }
            } else {
                hash = MerkleHash.node(hash, sibling)
            }
            shift(&place, &last)
        }
        return last == 0 && hash == root
    }

    /// Whether a tree only adds leaves to an earlier one.
    ///
    /// - Parameters:
    ///   - old: size and root of the earlier tree. An empty one is extended by every tree, with an empty proof.
    ///   - new: size and root of the later tree.
    ///   - path: the proof; empty if the sizes are the same.
    public static func extends(
        _ old: (size: UInt64, root: Digest),
        to new: (size: UInt64, root: Digest),
        path: [Digest]
    ) -> Bool {
        guard old.size <= new.size else { return false }
        if old.size == new.size { return path.isEmpty && old.root == new.root }
        if old.size == 0 { return path.isEmpty && old.root == MerkleHash.emptyRoot }
        var rest = path[...]
        // A complete earlier tree is a node of the later one, and stands for its own hash in the proof.
        let isComplete = old.size & (old.size - 1) == 0
        guard let first = isComplete ? old.root : rest.popFirst() else { return false }
        var place = old.size - 1
        var last = new.size - 1
        while place & 1 == 1 { shift(&place, &last) }
        var oldRoot = first
        var newRoot = first
        for sibling in rest {
            guard last > 0 else { return false }
            if place & 1 == 1 || place == last {
                oldRoot = MerkleHash.node(sibling, oldRoot)
                newRoot = MerkleHash.node(sibling, newRoot)
                while place & 1 == 0, place != 0 { shift(&place, &last) }
            } else {
                newRoot = MerkleHash.node(newRoot, sibling)
            }
            shift(&place, &last)
        }
        return last == 0 && oldRoot == old.root && newRoot == new.root
    }

    private static func shift(_ place: inout UInt64, _ last: inout UInt64) {
        place >>= 1
        last >>= 1
    }
}
