public import Ledger
public import Registry
import TransparencyLog

/// What an export holds: the ranges of positions, the journals' hashes at both ends, and every file with its hash.
///
/// It is the file `manifest.json` of an export's folder, rewritten after each file, so that an export that was interrupted can
/// go on.
public struct ExportManifest: Hashable, Sendable {
    /// The name of the file.
    public static let fileName = "manifest.json"
    /// What says that a file is such a manifest, and how it is to be read.
    public static let format = "runledger-export/2"

    /// A journal's part of the export, and what the journal is at both of its ends.
    public struct Head: Hashable, Sendable {
        /// The positions.
        public let range: ExportRange
        /// The journal's running hash before the first position: the `hash` of an export that ends there.
        public let hashBefore: Digest
        /// The journal's running hash at the last position: over all events' hashes so far.
        public let hash: Digest
        /// The root of the journal's log (RFC 6962) over all events up to the last position: that of a signed checkpoint of
        /// this size.
        public let root: Digest
        /// The hash of the event at the last position; nil when the journal has none up to there.
        public let eventHash: Digest?
    }

    /// One file.
    public struct File: Hashable, Sendable {
        /// Its name in the folder.
        public let name: String
        /// Its size.
        public let bytes: Int64
        /// The SHA-256 of its bytes, in hexadecimal.
        public let sha256: String
        /// Makes an entry.
        public init(name: String, bytes: Int64, sha256: String) {
            self.name = name
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// What was exported.
    public let kind: ExportKind
    /// The ledger's name.
    public let ledger: String
    /// What a credit is sold for in USD, where that was asked for.
    public let price: String?
    /// Positions in a file.
    public let positionsPerFile: Int64
    /// Each journal's part.
    public let heads: [Head]
    /// The files, in order.
    public var files: [File] = []
    /// Whether all files are there.
    public var isComplete = false

    /// A manifest without files.
    public init(kind: ExportKind, ledger: String, price: String?, positionsPerFile: Int64, heads: [Head]) {
        self.kind = kind
        self.ledger = ledger
        self.price = price
        self.positionsPerFile = positionsPerFile
        self.heads = heads
    }

    /// Events of the whole export.
    public var eventCount: Int64 { heads.reduce(0) { $0 + $1.range.count } }

    /// The ranges of its files, in order.
    var parts: [ExportRange] { heads.flatMap { $0.range.parts(of: positionsPerFile) } }

    /// The manifest as it is stored.
    public var json: JSONValue {
        [
            "format": .string(Self.format), "kind": .string(kind.rawValue), "ledger": .string(ledger),
            "usd_per_credit": price.map { .string($0) } ?? .null, "complete": .bool(isComplete),
            "positions_per_file": .integer(positionsPerFile),
            "journals": .array(heads.map(\.json)),
            "files": .array(
                files.map { ["name": .string($0.name), "bytes": .integer($0.bytes), "sha256": .string($0.sha256)] }
            ),
        ]
    }

    /// Reads a stored manifest; nil when it is none.
    public init?(_ json: JSONValue) {
        guard json["format"]?.stringValue == Self.format,
            let kind = json["kind"]?.stringValue.flatMap(ExportKind.init(rawValue:)),
            let ledger = json["ledger"]?.stringValue, let isComplete = json["complete"]?.boolValue,
            let positionsPerFile = json["positions_per_file"]?.integerValue, positionsPerFile > 0,
            case .array(let journals)? = json["journals"], case .array(let files)? = json["files"]
        else { return nil }
        let heads = journals.compactMap { Head($0) }
        self.init(
            kind: kind,
            ledger: ledger,
            price: json["usd_per_credit"]?.stringValue,
            positionsPerFile: positionsPerFile,
            heads: heads
        )
        self.files = files.compactMap { file in
            guard let name = file["name"]?.stringValue, let bytes = file["bytes"]?.integerValue,
                let sha256 = file["sha256"]?.stringValue
            else { return nil }
            return File(name: name, bytes: bytes, sha256: sha256)
        }
        self.isComplete = isComplete
        guard self.heads.count == journals.count, self.files.count == files.count else { return nil }
    }
}

extension ExportManifest.Head {
    var json: JSONValue {
        [
            "journal": .integer(Int64(range.journal)), "after": .integer(range.after),
            "through": .integer(range.through),
            "hash_before": .string(hashBefore.description), "head_hash": .string(hash.description),
            "root": .string(root.base64), "event_hash": eventHash.map { .string($0.description) } ?? .null,
        ]
    }

    init?(_ json: JSONValue) {
        guard let journal = json["journal"]?.integerValue.flatMap({ Int16(exactly: $0) }),
            let after = json["after"]?.integerValue, let through = json["through"]?.integerValue,
            after >= 0, through >= after,
            let hashBefore = json["hash_before"]?.stringValue.flatMap({ Digest(hexadecimal: $0) }),
            let hash = json["head_hash"]?.stringValue.flatMap({ Digest(hexadecimal: $0) }),
            let root = json["root"]?.stringValue.flatMap({ Digest(base64: $0) })
        else { return nil }
        self.init(
            range: ExportRange(journal: journal, after: after, through: through),
            hashBefore: hashBefore,
            hash: hash,
            root: root,
            eventHash: json["event_hash"]?.stringValue.flatMap { Digest(hexadecimal: $0) }
        )
    }
}
