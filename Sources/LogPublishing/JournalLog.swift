public import Ledger
public import LedgerStore
public import TransparencyLog

/// The public log of one journal: its events as entries, in C2SP tiles, under checkpoints that one key signs.
///
/// It follows the journal by position, behind the writer and never in its way. Entry `i` is the canonical bytes of the
/// event at position `i + 1`, so a leaf is the event's own hash. Files are stored before the checkpoint that needs them: a
/// crash leaves at worst files that no checkpoint names, which are written again. Nothing is signed but what extends the
/// checkpoint that was published last. One publisher works on a log at a time.
public struct JournalLog: Sendable {
    /// The path of the signed checkpoint below the log's prefix.
    public static let checkpointPath = "checkpoint"

    private let journal: JournalID
    private let store: LedgerStore
    private let storage: any LogStorage
    private let signer: NoteSigner
    private let pageSize: Int

    /// The log of a journal.
    ///
    /// - Parameters:
    ///   - signer: the log's key. Its name is the log's origin.
    ///   - pageSize: events that are read at once.
    public init(
        of journal: JournalID,
        in store: LedgerStore,
        storage: any LogStorage,
        signer: NoteSigner,
        pageSize: Int = 4_096
    ) {
        self.journal = journal
        self.store = store
        self.storage = storage
        self.signer = signer
        self.pageSize = pageSize
    }

    /// Publishes what the journal has beyond the last checkpoint, and signs one checkpoint over all of it.
    ///
    /// - Returns: the checkpoint that stands now. An empty journal has one too.
    /// - Throws: a `LogPublishingError` when the journal does not extend what was published or is damaged: nothing is signed
    ///   then. Whatever the ledger or the storage throws.
    @discardableResult
    public func publish() async throws -> Checkpoint {
        let published = try await publishedCheckpoint()
        var tail = try await Tail(published, storage)
        if let published, published.size > 0 { try await confirm(published, tail.edge) }
        while true {
            let page = try await store.events(in: journal, after: Int64(tail.edge.size), limit: pageSize)
            for event in page { try await append(event, to: &tail) }
            if page.count < pageSize { break }
        }
        if let published, published.size == tail.edge.size { return published }
        try await tail.storePartials(storage)
        let checkpoint = Checkpoint(origin: signer.verifier.name, size: tail.edge.size, root: tail.edge.root)
        if let published { try await check(checkpoint, extends: published) }
        let note = try checkpoint.signed(by: signer)
        try await storage.write(Array(note.description.utf8), to: Self.checkpointPath)
        return checkpoint
    }

    /// The receipt of the event at a position, under the checkpoint that stands; nil while it isn't published.
    ///
    /// - Throws: a `LogPublishingError` when a file of the log is damaged.
    public func receipt(at position: Int64) async throws -> LogProof? {
        guard let note = try await publishedNote(), let published = Checkpoint(note, signedBy: signer.verifier),
            position > 0, UInt64(position) <= published.size
        else { return nil }
        let index = UInt64(position) - 1
        var reader = TileReader(ofTree: published.size) { try await storage.hashes(of: $0) }
        let path = try await reader.inclusionProof(of: index)
        let bundle = Tile.holding(index, of: .entries, inTreeOf: published.size)
        let entry = try await storage.entries(of: bundle)[Int(index % UInt64(Tile.fullWidth))]
        return LogProof(index: index, path: path, checkpoint: note, extra: entry)
    }

    private func publishedNote() async throws -> SignedNote? {
        guard let bytes = try await storage.read(Self.checkpointPath) else { return nil }
        guard let note = SignedNote(String(decoding: bytes, as: UTF8.self)) else {
            throw LogPublishingError.checkpointNotOurs
        }
        return note
    }

    private func publishedCheckpoint() async throws -> Checkpoint? {
        guard let note = try await publishedNote() else { return nil }
        guard let checkpoint = Checkpoint(note, signedBy: signer.verifier) else {
            throw LogPublishingError.checkpointNotOurs
        }
        return checkpoint
    }

    /// Checks that the tiles are those that were signed, and that the journal still has the last event of them: each
    /// event's hash covers its account's one before, and `verify` covers the rest.
    private func confirm(_ published: Checkpoint, _ edge: RightEdge) async throws {
        guard edge.root == published.root else { throw LogPublishingError.rootDiffers(size: published.size) }
        let position = Int64(published.size)
        guard let last = try await store.events(in: journal, after: position - 1, limit: 1).first,
            last.position == position
        else { throw LogPublishingError.journalIsShorter(published: published.size) }
        var reader = TileReader(ofTree: published.size) { try await storage.hashes(of: $0) }
        guard try await reader.leaf(at: published.size - 1) == last.hash, last.recomputedHash == last.hash else {
            throw LogPublishingError.eventDiffers(position: position)
        }
    }

    private func append(_ event: Event, to tail: inout Tail) async throws {
        guard event.position == Int64(tail.edge.size) + 1 else {
            throw LogPublishingError.gap(position: Int64(tail.edge.size) + 1)
        }
        let entry = event.canonicalBytes
        guard MerkleHash.leaf(entry) == event.hash else {
            throw LogPublishingError.eventDamaged(position: event.position)
        }
        try await tail.append(entry, event.hash, storage)
    }

    /// The proof is made from the stored files, not from memory: what is signed is what others will read.
    private func check(_ checkpoint: Checkpoint, extends published: Checkpoint) async throws {
        var reader = TileReader(ofTree: checkpoint.size) { try await storage.hashes(of: $0) }
        let proof = try await reader.consistencyProof(from: published.size)
        let old = (size: published.size, root: published.root)
        guard MerkleProof.extends(old, to: (checkpoint.size, checkpoint.root), path: proof) else {
            throw LogPublishingError.rootDiffers(size: published.size)
        }
    }
}

/// The right edge of a log and the entries of its last bundle.
private struct Tail {
    var edge: RightEdge
    private var entries: [[UInt8]] = []

    init(_ published: Checkpoint?, _ storage: any LogStorage) async throws {
        guard let published, published.size > 0 else {
            edge = RightEdge()
            return
        }
        edge = try await RightEdge(ofTree: published.size) { try await storage.hashes(of: $0) }
        let bundle = Tile.holding(published.size - 1, of: .entries, inTreeOf: published.size)
        if !bundle.isFull { entries = try await storage.entries(of: bundle) }
    }

    mutating func append(_ entry: [UInt8], _ leaf: Digest, _ storage: any LogStorage) async throws {
        entries.append(entry)
        for full in edge.append(leaf) {
            if full.tile.kind == .hashes(level: 0) {
                try await store(Tile(.entries, index: full.tile.index), storage)
                entries.removeAll(keepingCapacity: true)
            }
            try await storage.write(TileBytes.encode(full.hashes), to: full.tile.path)
        }
    }

    func storePartials(_ storage: any LogStorage) async throws {
        if !entries.isEmpty {
            try await store(Tile.holding(edge.size - 1, of: .entries, inTreeOf: edge.size), storage)
        }
        for partial in edge.partialTiles {
            try await storage.write(TileBytes.encode(partial.hashes), to: partial.tile.path)
        }
    }

    private func store(_ bundle: Tile, _ storage: any LogStorage) async throws {
        guard let bytes = TileBytes.encode(entries: entries) else {
            preconditionFailure("an event of more than 65,535 bytes")
        }
        try await storage.write(bytes, to: bundle.path)
    }
}

extension LogStorage {
    /// The hashes of a tile. A partial one that was removed after it became full is read from the full one.
    fileprivate func hashes(of tile: Tile) async throws -> [Digest] {
        if let bytes = try await read(tile.path) {
            guard let hashes = TileBytes.decode(bytes, width: tile.width) else {
                throw LogPublishingError.fileDamaged(tile.path)
            }
            return hashes
        }
        let full = Tile(tile.kind, index: tile.index)
        guard !tile.isFull, let bytes = try await read(full.path),
            let hashes = TileBytes.decode(bytes, width: full.width)
        else { throw LogPublishingError.fileDamaged(tile.path) }
        return Array(hashes.prefix(tile.width))
    }

    /// The entries of a bundle.
    fileprivate func entries(of bundle: Tile) async throws -> [[UInt8]] {
        guard let bytes = try await read(bundle.path),
            let entries = TileBytes.decodeEntries(bytes, width: bundle.width)
        else { throw LogPublishingError.fileDamaged(bundle.path) }
        return entries
    }
}
