public import Ledger

/// A file of the log: up to 256 consecutive hashes of one level, or the entries under them (c2sp.org/tlog-tiles).
public struct Tile: Hashable, Sendable {
    /// Hashes of a full tile.
    public static let fullWidth = 256

    /// What a file holds.
    public enum Kind: Hashable, Sendable {
        /// Hashes, each of 256^level leaves.
        case hashes(level: Int)
        /// Entries, each after its length in two bytes, big-endian.
        case entries
    }

    /// What it holds.
    public let kind: Kind
    /// Its place in the level, from 0.
    public let index: UInt64
    /// How many hashes or entries it has, 1 to 256.
    public let width: Int

    /// Names a file.
    public init(_ kind: Kind, index: UInt64, width: Int = Tile.fullWidth) {
        precondition((1...Self.fullWidth).contains(width), "a tile of \(width) hashes")
        self.kind = kind
        self.index = index
        self.width = width
    }

    /// Whether it will never change.
    public var isFull: Bool { width == Self.fullWidth }

    /// The path below the log's prefix, such as `tile/0/x001/x234/067.p/8` or `tile/entries/000`.
    public var path: String {
        let level =
            switch kind {
            case .hashes(let level): String(level)
            case .entries: "entries"
            }
        var elements: [String] = []
        var rest = index
        repeat {
            let digits = String(rest % 1_000)
            let padded = String(repeating: "0", count: 3 - digits.count) + digits
            elements.append(elements.isEmpty ? padded : "x" + padded)
            rest /= 1_000
        } while rest > 0
        let place = elements.reversed().joined(separator: "/")
        return "tile/\(level)/\(place)" + (isFull ? "" : ".p/\(width)")
    }

    /// The files of hashes that a tree has, lowest level first, each level's partial one last.
    ///
    /// A tree of 70,000 has 273 full ones and one of width 112 at level 0, 1 and 17 at level 1, and one of width 1.
    public static func hashTiles(ofTree size: UInt64) -> [Tile] {
        var tiles: [Tile] = []
        var level = 0
        var hashes = size
        while hashes > 0 {
            let full = hashes / UInt64(fullWidth)
            for index in 0..<full { tiles.append(Tile(.hashes(level: level), index: index)) }
            let rest = Int(hashes % UInt64(fullWidth))
            if rest > 0 { tiles.append(Tile(.hashes(level: level), index: full, width: rest)) }
            hashes = full
            level += 1
        }
        return tiles
    }

    /// The file that holds a hash or an entry, as wide as a tree of that size has it.
    ///
    /// - Parameter index: its place among those of its level, from 0; it must be in the tree.
    public static func holding(_ index: UInt64, of kind: Kind, inTreeOf size: UInt64) -> Tile {
        let count =
            switch kind {
            case .hashes(let level): level >= 8 ? 0 : size >> UInt64(8 * level)
            case .entries: size
            }
        let tile = index / UInt64(fullWidth)
        return Tile(kind, index: tile, width: Int(min(UInt64(fullWidth), count - tile * UInt64(fullWidth))))
    }
}

/// The bytes of tiles.
public enum TileBytes {
    /// A tile's hashes one after the other.
    public static func encode(_ hashes: some Collection<Digest>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(hashes.count * 32)
        for hash in hashes { hash.append(to: &bytes) }
        return bytes
    }

    /// Reads a tile's hashes; nil unless there are exactly as many as its name says.
    public static func decode(_ bytes: [UInt8], width: Int) -> [Digest]? {
        guard bytes.count == width * 32 else { return nil }
        return bytes.withUnsafeBytes { buffer in
            (0..<width).compactMap { Digest(raw: UnsafeRawBufferPointer(rebasing: buffer[$0 * 32..<$0 * 32 + 32])) }
        }
    }

    /// Entries, each after its length in two bytes; nil if one is longer than 65,535 bytes.
    public static func encode(entries: some Collection<[UInt8]>) -> [UInt8]? {
        var bytes: [UInt8] = []
        for entry in entries {
            guard let length = UInt16(exactly: entry.count) else { return nil }
            bytes.append(UInt8(length >> 8))
            bytes.append(UInt8(length & 0xff))
            bytes += entry
        }
        return bytes
    }

    /// Reads entries; nil unless there are exactly as many as the file's name says, and nothing after them.
    public static func decodeEntries(_ bytes: [UInt8], width: Int) -> [[UInt8]]? {
        var entries: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 2 else { return nil }
            let length = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
            guard rest.count >= length else { return nil }
            entries.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return entries.count == width ? entries : nil
    }
}
