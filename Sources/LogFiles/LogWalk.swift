import Ledger
import TransparencyLog

/// One walk over a log's files, from the first entry to the checkpoint.
///
/// Two trees grow beside each other: that of the entries, and that of the stored hashes of leaves. The one that leads to the
/// signed root is right, and what first differs from it is named.
struct LogWalk {
    let files: any LogReading
    let key: NoteVerifier
    let prefix: String

    /// The first thing of each kind that was seen, in the order of entries.
    private struct Suspects {
        /// An entry whose hash is not the one in its tile.
        var entry: (index: UInt64, bundle: String, tile: String)?
        /// A tile of a higher level that does not follow from those below.
        var tile: String?
        /// An entry that is not what it must be.
        var content: (index: UInt64, bundle: String, reason: String)?
        /// An earlier checkpoint that the log never had.
        var checkpoint: Checkpoint?
    }

    func run(
        _ policy: WitnessPolicy,
        _ rules: inout some EntryRules,
        _ earlier: [Checkpoint],
        _ progress: (Int) -> Void
    ) async throws -> LogAuditReport.Log {
        let checkpoint = try await checkpoint(policy)
        if let last = earlier.last, last.size > checkpoint.size {
            throw finding(LogPaths.checkpoint, "the log was set back from \(last.size) entries to \(checkpoint.size)")
        }
        var suspects = Suspects()
        var ofEntries: RightEdge? = RightEdge()
        var ofTiles = RightEdge()
        var ahead = earlier[...]
        for start in stride(from: UInt64(0), to: checkpoint.size, by: Tile.fullWidth) {
            let tile = Tile.holding(start, of: .hashes(level: 0), inTreeOf: checkpoint.size)
            let stored = try await hashes(tile)
            let bundle = Tile(.entries, index: tile.index, width: tile.width)
            let entries = ofEntries == nil ? nil : try await entries(bundle, rules.mayLackEntries)
            if entries == nil { ofEntries = nil }
            for (offset, hash) in stored.enumerated() {
                let index = start + UInt64(offset)
                let leaf = entries.map { MerkleHash.leaf($0[offset]) } ?? hash
                if leaf != hash, suspects.entry == nil {
                    suspects.entry = (index, prefix + bundle.path, prefix + tile.path)
                }
                if let entry = entries?[offset], suspects.content == nil,
                    let reason = rules.check(entry, at: index)
                {
                    suspects.content = (index, prefix + bundle.path, reason)
                }
                let fullOfTiles = ofTiles.append(hash)
                // Full tiles above the leaves are compared as the leaves fill them.
                let full = ofEntries?.append(leaf) ?? fullOfTiles
                for (tile, hashes) in full where suspects.tile == nil && tile.kind != .hashes(level: 0) {
                    if try await self.hashes(tile) != hashes { suspects.tile = prefix + tile.path }
                }
                if let next = ahead.first, next.size == index + 1 {
                    ahead = ahead.dropFirst()
                    if (ofEntries ?? ofTiles).root != next.root, suspects.checkpoint == nil {
                        suspects.checkpoint = next
                    }
                }
            }
            progress(stored.count)
        }
        try await judge(checkpoint, ofEntries, ofTiles, suspects)
        return LogAuditReport.Log(
            checkpoint: checkpoint,
            hasEntries: ofEntries != nil,
            earlierCheckpoints: earlier.count
        )
    }

    private func judge(
        _ checkpoint: Checkpoint,
        _ ofEntries: RightEdge?,
        _ ofTiles: RightEdge,
        _ suspects: Suspects
    ) async throws {
        let entriesHold = ofEntries.map { $0.root == checkpoint.root }
        let tilesHold = ofTiles.root == checkpoint.root
        if let entry = suspects.entry {
            guard entriesHold == true else {
                let other = tilesHold ? "" : ", nor do the tiles' hashes lead to the signed root"
                throw finding(entry.bundle, entry.index, "its hash is not the one in \(entry.tile)\(other)")
            }
            throw finding(entry.tile, entry.index, "the tile has another hash for it than it has")
        }
        guard entriesHold ?? tilesHold else {
            if ofEntries == nil, let tile = try await damagedTile(checkpoint) {
                throw finding(tile, nil, "its hashes do not lead to the one in the tile above")
            }
            if let before = suspects.checkpoint {
                throw finding(
                    LogPaths.checkpoint,
                    "the first \(before.size) entries are not those that were signed at that size"
                )
            }
            throw finding(LogPaths.checkpoint, "the entries and tiles lead to another root than the signed one")
        }
        if let tile = suspects.tile { throw finding(tile, nil, "it does not hold the hashes of the tiles below") }
        for (tile, hashes) in (ofEntries ?? ofTiles).partialTiles where tile.kind != .hashes(level: 0) {
            if try await self.hashes(tile) != hashes {
                throw finding(prefix + tile.path, nil, "it does not hold the hashes of the tiles below")
            }
        }
        if let content = suspects.content { throw finding(content.bundle, content.index, content.reason) }
        if let before = suspects.checkpoint {
            throw finding(LogPaths.checkpoint, "the root that was signed at \(before.size) entries is not theirs")
        }
    }

    /// The first full tile of leaves that the tiles above it, which lead to the signed root, contradict. Where entries can't be
    /// read, nothing else tells a changed tile from a changed checkpoint.
    private func damagedTile(_ checkpoint: Checkpoint) async throws -> String? {
        let edge = try await RightEdge(ofTree: checkpoint.size) { try await hashes($0) }
        guard edge.root == checkpoint.root else { return nil }
        for index in 0..<checkpoint.size / UInt64(Tile.fullWidth) {
            let tile = Tile(.hashes(level: 0), index: index)
            let above = Tile.holding(index, of: .hashes(level: 1), inTreeOf: checkpoint.size)
            let named = try await hashes(above)[Int(index % UInt64(Tile.fullWidth))]
            if MerkleHash.root(of: try await hashes(tile)) != named { return prefix + tile.path }
        }
        return nil
    }

    private func checkpoint(_ policy: WitnessPolicy) async throws -> Checkpoint {
        let note: SignedNote?
        do {
            note = try await files.checkpointNote(below: prefix)
        } catch let damage as LogFileDamaged {
            throw finding(LogPaths.checkpoint, damage.reason)
        }
        guard let note else { throw finding(LogPaths.checkpoint, "it is missing") }
        guard let checkpoint = Checkpoint(note, signedBy: key) else {
            throw finding(LogPaths.checkpoint, "it is not signed by the log's key")
        }
        guard policy.isMet(by: note) else {
            throw finding(LogPaths.checkpoint, "it does not have the cosignatures that the policy asks for")
        }
        return checkpoint
    }

    private func hashes(_ tile: Tile) async throws -> [Digest] {
        do {
            return try await files.hashes(of: tile, below: prefix)
        } catch let damage as LogFileDamaged {
            throw finding(damage.path, nil, damage.reason)
        }
    }

    private func entries(_ bundle: Tile, _ mayLack: Bool) async throws -> [[UInt8]]? {
        do {
            return try await files.entries(of: bundle, below: prefix)
        } catch let damage as LogFileDamaged {
            throw finding(damage.path, nil, damage.reason)
        } catch let refusal as LogAccessRefused {
            guard mayLack else { throw refusal }
            return nil
        }
    }

    private func finding(_ path: String, _ reason: String) -> LogFinding { finding(prefix + path, nil, reason) }

    private func finding(_ path: String, _ entry: UInt64?, _ reason: String) -> LogFinding {
        LogFinding(origin: key.name, path: path, entry: entry, reason: reason)
    }
}
