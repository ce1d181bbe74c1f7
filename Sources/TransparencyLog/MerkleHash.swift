public import Ledger

/// The hashes of an RFC 6962 tree (section 2.1): SHA-256 with a byte before that tells leaves from inner nodes.
public enum MerkleHash {
    /// The root of a tree without leaves: the hash of no bytes.
    public static let emptyRoot = Digest(of: [])

    /// The hash of a leaf: SHA-256 of 0x00 and the entry. An event's own hash is this over its canonical bytes.
    public static func leaf(_ entry: [UInt8]) -> Digest { Digest(of: [0x00] + entry) }

    /// The hash of an inner node: SHA-256 of 0x01, the left hash and the right one.
    public static func node(_ left: Digest, _ right: Digest) -> Digest {
        node { bytes in
            left.append(to: &bytes)
            right.append(to: &bytes)
        }
    }

    /// The hash of an inner node whose children are appended; published vectors have some that are no digests.
    static func node(_ appendChildren: (inout [UInt8]) -> Void) -> Digest {
        var bytes: [UInt8] = [0x01]
        bytes.reserveCapacity(65)
        appendChildren(&bytes)
        return Digest(of: bytes)
    }

    /// The root over hashes of equal height, in order; `emptyRoot` for none.
    public static func root(of hashes: some BidirectionalCollection<Digest>) -> Digest {
        var peaks: [(height: Int, hash: Digest)] = []
        for hash in hashes {
            var peak = (height: 0, hash: hash)
            while let last = peaks.last, last.height == peak.height {
                peak = (peak.height + 1, node(last.hash, peak.hash))
                peaks.removeLast()
            }
            peaks.append(peak)
        }
        return joined(peaks.map(\.hash))
    }

    /// The root over the hashes of complete subtrees, largest first, as the right edge of a tree leaves them.
    static func joined(_ peaks: [Digest]) -> Digest {
        guard var root = peaks.last else { return emptyRoot }
        for peak in peaks.dropLast().reversed() { root = node(peak, root) }
        return root
    }
}
