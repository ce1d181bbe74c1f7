import LogFiles
import TransparencyLog

/// The right edge of a log and the entries of its last bundle, and where they are stored.
struct LogTail {
    var edge: RightEdge
    private var entries: [[UInt8]] = []
    private let storage: any LogStorage
    private let prefix: String

    /// Reads the tail of what was published.
    init(_ published: Checkpoint?, _ storage: any LogStorage, _ prefix: String) async throws {
        self.storage = storage
        self.prefix = prefix
        guard let published, published.size > 0 else {
            edge = RightEdge()
            return
        }
        edge = try await RightEdge(ofTree: published.size) { try await storage.hashes(of: $0, below: prefix) }
        let bundle = Tile.holding(published.size - 1, of: .entries, inTreeOf: published.size)
        if !bundle.isFull { entries = try await storage.entries(of: bundle, below: prefix) }
    }

    /// Appends an entry, and stores the files that are full by it.
    mutating func append(_ entry: LogEntry) async throws {
        entries.append(entry.bytes)
        for full in edge.append(entry.leaf) {
            if full.tile.kind == .hashes(level: 0) {
                try await store(Tile(.entries, index: full.tile.index))
                entries.removeAll(keepingCapacity: true)
            }
            try await storage.write(TileBytes.encode(full.hashes), to: prefix + full.tile.path)
        }
    }

    /// Stores the files that are not full.
    func storePartials() async throws {
        if !entries.isEmpty {
            try await store(Tile.holding(edge.size - 1, of: .entries, inTreeOf: edge.size))
        }
        for partial in edge.partialTiles {
            try await storage.write(TileBytes.encode(partial.hashes), to: prefix + partial.tile.path)
        }
    }

    private func store(_ bundle: Tile) async throws {
        guard let bytes = TileBytes.encode(entries: entries) else {
            throw LogPublishingError.entryTooLong(upTo: Int64(edge.size))
        }
        try await storage.write(bytes, to: prefix + bundle.path)
    }
}
