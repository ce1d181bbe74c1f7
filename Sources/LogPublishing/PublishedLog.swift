import Ledger
public import LogFiles
public import TransparencyLog

/// A public log: entries of a source, in C2SP tiles, under checkpoints that one key signs.
///
/// It follows its source by position, behind the writer and never in its way. Entry `i` is the source's at position `i + 1`.
/// Files are stored before the checkpoint that needs them: a crash leaves at worst files that no checkpoint names, which are
/// written again. Nothing is signed but what extends the checkpoint that was published last, and nothing is published that its
/// witnesses have not cosigned. Two publishers at a time can't make two trees, since the source alone says what an entry is.
public struct PublishedLog: Sendable {
    private let source: any LogSource
    private let storage: any LogStorage
    private let prefix: String
    private let signer: NoteSigner
    private let witnesses: WitnessCircle?
    private let pageSize: Int

    /// Names a log.
    ///
    /// - Parameters:
    ///   - source: its entries.
    ///   - storage: where its files are.
    ///   - prefix: where in the storage: empty, or ending with a slash.
    ///   - signer: the log's key. Its name is the log's origin.
    ///   - witnesses: who cosigns before a checkpoint is published; nil for nobody.
    ///   - pageSize: entries that are read at once.
    public init(
        of source: any LogSource,
        storage: any LogStorage,
        prefix: String = "",
        signer: NoteSigner,
        witnesses: WitnessCircle? = nil,
        pageSize: Int = 1_000
    ) {
        self.source = source
        self.storage = storage
        self.prefix = prefix
        self.signer = signer
        self.witnesses = witnesses
        self.pageSize = pageSize
    }

    /// Publishes what the source has beyond the last checkpoint, and signs one checkpoint over all of it.
    ///
    /// - Returns: the checkpoint that stands now. An empty source has one too.
    /// - Throws: a `LogPublishingError` when the source does not extend what was published or is damaged, a `WitnessRefusal`
    ///   when the witnesses do not cosign: nothing is published then. Whatever the ledger or the storage throws.
    @discardableResult
    public func publish() async throws -> Checkpoint {
        let published = try await publishedCheckpoint()
        var tail = try await LogTail(published, storage, prefix)
        if let published, published.size > 0 { try await confirm(published, tail.edge) }
        while true {
            let page = try await source.entries(after: Int64(tail.edge.size), limit: pageSize)
            for entry in page {
                guard entry.position == Int64(tail.edge.size) + 1 else {
                    throw LogPublishingError.gap(position: Int64(tail.edge.size) + 1)
                }
                try await tail.append(entry)
            }
            if page.count < pageSize { break }
        }
        if let published, published.size == tail.edge.size { return published }
        try await tail.storePartials()
        let checkpoint = Checkpoint(origin: signer.verifier.name, size: tail.edge.size, root: tail.edge.root)
        if let published { try await check(checkpoint, extends: published) }
        let note = try await cosigned(try checkpoint.signed(by: signer), checkpoint)
        try await storage.write(Array(note.description.utf8), to: prefix + LogPaths.checkpoint)
        return checkpoint
    }

    /// The checkpoint that stands; nil before the first.
    public func publishedCheckpoint() async throws -> Checkpoint? {
        guard let note = try await publishedNote() else { return nil }
        guard let checkpoint = Checkpoint(note, signedBy: signer.verifier) else {
            throw LogPublishingError.checkpointNotOurs
        }
        return checkpoint
    }

    /// The receipt of the entry at a position, under the checkpoint that stands or one before it.
    ///
    /// - Parameters:
    ///   - position: the entry's place, from 1.
    ///   - earlier: a checkpoint of the log that was published before; nil for the one that stands.
    /// - Returns: the receipt; nil while the entry isn't published.
    /// - Throws: a `LogPublishingError` or a `LogFileDamaged` when a file of the log is damaged.
    public func receipt(at position: Int64, under earlier: SignedNote? = nil) async throws -> LogProof? {
        try await receipts(at: [position], under: earlier)?.first
    }

    /// The receipts of the entries at some positions, all under one checkpoint; nil while one of them isn't published.
    ///
    /// A tile or bundle that several of them need is read once.
    public func receipts(at positions: [Int64], under earlier: SignedNote? = nil) async throws -> [LogProof]? {
        guard let standing = try await publishedNote() else { return nil }
        let note = earlier ?? standing
        guard let checkpoint = Checkpoint(note, signedBy: signer.verifier),
            Checkpoint(standing, signedBy: signer.verifier) != nil
        else { throw LogPublishingError.checkpointNotOurs }
        guard positions.allSatisfy({ $0 > 0 && UInt64($0) <= checkpoint.size }) else { return nil }
        var tree = storage.tree(of: checkpoint.size, below: prefix)
        var bundles: [Tile: [[UInt8]]] = [:]
        var proofs: [LogProof] = []
        for index in positions.map({ UInt64($0) - 1 }) {
            let bundle = Tile.holding(index, of: .entries, inTreeOf: checkpoint.size)
            let entries =
                if let read = bundles[bundle] { read } else {
                    try await storage.entries(of: bundle, below: prefix)
                }
            bundles[bundle] = entries
            let entry = entries[Int(index % UInt64(Tile.fullWidth))]
            let path = try await tree.inclusionProof(of: index)
            let proof = LogProof(index: index, path: path, checkpoint: note, extra: entry)
            do {
                _ = try proof.verify(MerkleHash.leaf(entry), log: signer.verifier)
            } catch {
                throw LogPublishingError.rootDiffers(size: checkpoint.size)
            }
            proofs.append(proof)
        }
        return proofs
    }

    /// Compares the source with what was published, entry by entry: what somebody changed together with every hash that follows
    /// from it is no other than before to the source, but it is to the log.
    ///
    /// - Returns: the checkpoint that all was compared with; nil when nothing is published.
    /// - Throws: a `LogPublishingError` that names the first entry that differs.
    public func compare() async throws -> Checkpoint? {
        guard let published = try await publishedCheckpoint() else { return nil }
        var edge = RightEdge()
        var leaves: [Digest] = []
        while edge.size < published.size {
            let page = try await source.entries(after: Int64(edge.size), limit: pageSize)
            guard !page.isEmpty else { throw LogPublishingError.journalIsShorter(published: published.size) }
            for entry in page where edge.size < published.size {
                guard entry.position == Int64(edge.size) + 1 else {
                    throw LogPublishingError.gap(position: Int64(edge.size) + 1)
                }
                let offset = Int(edge.size % UInt64(Tile.fullWidth))
                if offset == 0 {
                    let tile = Tile.holding(edge.size, of: .hashes(level: 0), inTreeOf: published.size)
                    leaves = try await storage.hashes(of: tile, below: prefix)
                }
                guard leaves[offset] == entry.leaf else {
                    throw LogPublishingError.eventDiffers(position: entry.position)
                }
                edge.append(entry.leaf)
            }
        }
        guard edge.root == published.root else { throw LogPublishingError.rootDiffers(size: published.size) }
        return published
    }

    private func publishedNote() async throws -> SignedNote? {
        do {
            return try await storage.checkpointNote(below: prefix)
        } catch is LogFileDamaged {
            throw LogPublishingError.checkpointNotOurs
        }
    }

    private func cosigned(_ note: SignedNote, _ checkpoint: Checkpoint) async throws -> SignedNote {
        guard let witnesses else { return note }
        return try await witnesses.cosign(note, checkpoint) { [storage, prefix] old in
            var tree = storage.tree(of: checkpoint.size, below: prefix)
            return try await tree.consistencyProof(from: old)
        }
    }

    /// Checks that the tiles are those that were signed, and that the source still has the last entry of them. In a journal
    /// each event's hash covers its account's one before, and `verify` covers the rest.
    private func confirm(_ published: Checkpoint, _ edge: RightEdge) async throws {
        guard edge.root == published.root else { throw LogPublishingError.rootDiffers(size: published.size) }
        let position = Int64(published.size)
        let last: LogEntry?
        do {
            last = try await source.entries(after: position - 1, limit: 1).first
        } catch LogPublishingError.eventDamaged {
            throw LogPublishingError.eventDiffers(position: position)
        }
        guard let last, last.position == position else {
            throw LogPublishingError.journalIsShorter(published: published.size)
        }
        var tree = storage.tree(of: published.size, below: prefix)
        guard try await tree.leaf(at: published.size - 1) == last.leaf else {
            throw LogPublishingError.eventDiffers(position: position)
        }
    }

    /// The proof is made from the stored files, not from memory: what is signed is what others will read.
    private func check(_ checkpoint: Checkpoint, extends published: Checkpoint) async throws {
        var tree = storage.tree(of: checkpoint.size, below: prefix)
        let proof = try await tree.consistencyProof(from: published.size)
        let old = (size: published.size, root: published.root)
        guard MerkleProof.extends(old, to: (checkpoint.size, checkpoint.root), path: proof) else {
            throw LogPublishingError.rootDiffers(size: published.size)
        }
    }
}
