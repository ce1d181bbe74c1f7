public import Ledger
public import TransparencyLog

/// Where the files of a log can be read.
public protocol LogReading: Sendable {
    /// The bytes of a file; nil when there is none.
    ///
    /// - Throws: `LogAccessRefused` when the file is not for whoever reads.
    func read(_ path: String) async throws -> [UInt8]?
}

/// Where the files of a log are kept: a folder or a bucket that can be served as it is.
public protocol LogStorage: LogReading {
    /// Writes a file, in place of one of the same path. It is there whole and durably once this returns, or not at all.
    func write(_ bytes: [UInt8], to path: String) async throws
}

/// A file that whoever asked may not read.
public struct LogAccessRefused: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What was refused.
    public var description: String { "\(path) can't be read without an operator's token" }

    /// Refuses a file.
    public init(path: String) { self.path = path }
}

/// A tile or bundle that is missing or has another size than its name says.
public struct LogFileDamaged: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What is wrong.
    public let reason: String
    /// Both.
    public var description: String { "\(path) \(reason)" }

    /// Reports damage.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

extension LogReading {
    /// The hashes of a tile. A partial one that was removed after it became full is read from the full one.
    ///
    /// - Parameters:
    ///   - tile: the tile.
    ///   - prefix: where the log's files are: empty, or ending with a slash.
    public func hashes(of tile: Tile, below prefix: String) async throws -> [Digest] {
        try await content(of: tile, below: prefix) { TileBytes.decode($0, width: $1) }
    }

    /// The entries of a bundle.
    public func entries(of bundle: Tile, below prefix: String) async throws -> [[UInt8]] {
        try await content(of: bundle, below: prefix) { TileBytes.decodeEntries($0, width: $1) }
    }

    /// The log's checkpoint as it is stored; nil when there is none.
    public func checkpointNote(below prefix: String) async throws -> SignedNote? {
        let path = prefix + LogPaths.checkpoint
        guard let bytes = try await read(path) else { return nil }
        guard let note = SignedNote(String(decoding: bytes, as: UTF8.self)) else {
            throw LogFileDamaged(path: path, reason: "is no signed note")
        }
        return note
    }

    /// Reads a tree of a log.
    public func tree(of size: UInt64, below prefix: String) -> TileReader {
        TileReader(ofTree: size) { try await hashes(of: $0, below: prefix) }
    }

    private func content<Value>(
        of tile: Tile,
        below prefix: String,
        decode: ([UInt8], Int) -> [Value]?
    ) async throws -> [Value] {
        let path = prefix + tile.path
        if let bytes = try await read(path) {
            guard let values = decode(bytes, tile.width) else {
                throw LogFileDamaged(path: path, reason: "does not hold \(tile.width) of them")
            }
            return values
        }
        guard !tile.isFull else { throw LogFileDamaged(path: path, reason: "is missing") }
        let full = Tile(tile.kind, index: tile.index)
        guard let bytes = try await read(prefix + full.path), let values = decode(bytes, full.width) else {
            throw LogFileDamaged(path: path, reason: "is missing")
        }
        return Array(values.prefix(tile.width))
    }
}

/// The paths of a log's files.
public enum LogPaths {
    /// The signed checkpoint, the one file that changes.
    public static let checkpoint = "checkpoint"

    /// What a path below a ledger's log names.
    public enum Kind: Hashable, Sendable {
        /// A log's checkpoint.
        case checkpoint
        /// Hashes, or entries of the ledger's log, which are checkpoints.
        case open
        /// Entries of a journal: the events of customers.
        case entries
    }

    /// What a path names; nil for one that no log has.
    public static func kind(of path: String) -> Kind? {
        let number = "(?:x[0-9]{3}/)*[0-9]{3}(?:\\.p/[1-9][0-9]{0,2})?"
        guard path.utf8.count <= 200,
            let regex = try? Regex("(journal/[0-9]{1,4}/)?(checkpoint|tile/(?:[0-9]{1,2}|entries)/\(number))"),
            let match = path.wholeMatch(of: regex)
        else { return nil }
        if match.output[2].substring == "checkpoint" { return .checkpoint }
        let isJournal = match.output[1].substring != nil
        return isJournal && path.contains("tile/entries/") ? .entries : .open
    }
}
