import Ledger
public import Registry

/// What an export holds: the ranges of positions, the journals' heads that they end at, and every file with its hash.
///
/// It is the file `manifest.json` of an export's folder, rewritten after each file, so that an export that was interrupted can
/// go on.
public struct ExportManifest: Hashable, Sendable {
    /// The name of the file.
    public static let fileName = "manifest.json"
    /// What says that a file is such a manifest, and how it is to be read.
    public static let format = "runledger-export/1"

    /// Where a journal's part of the export ends.
    public struct Head: Hashable, Sendable {
        /// The positions.
        public let range: ExportRange
        /// The journal's running hash at the last position, in hexadecimal: SHA-256 over all events' hashes so far.
        public let hash: String
        /// The hash of the event at the last position, in hexadecimal; nil for an empty range.
        public let eventHash: String?
        /// Makes a head.
        public init(range: ExportRange, hash: String, eventHash: String?) {
            self.range = range
            self.hash = hash
            self.eventHash = eventHash
        }
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
    /// Each journal's part.
    public let heads: [Head]
    /// The files, in order.
    public var files: [File] = []
    /// Whether all files are there.
    public var isComplete = false

    /// A manifest without files.
    public init(kind: ExportKind, ledger: String, price: String?, heads: [Head]) {
        self.kind = kind
        self.ledger = ledger
        self.price = price
        self.heads = heads
    }

    /// Events of the whole export.
    public var eventCount: Int64 { heads.reduce(0) { $0 + $1.range.count } }

    /// The manifest as it is stored.
    public var json: JSONValue {
        [
            "format": .string(Self.format), "kind": .string(kind.rawValue), "ledger": .string(ledger),
            "usd_per_credit": price.map { .string($0) } ?? .null, "complete": .bool(isComplete),
            "journals": .array(
                heads.map { head in
                    [
                        "journal": .integer(Int64(head.range.journal)), "after": .integer(head.range.after),
                        "through": .integer(head.range.through), "head_hash": .string(head.hash),
                        "event_hash": head.eventHash.map { .string($0) } ?? .null,
                    ]
                }
            ),
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
            case .array(let journals)? = json["journals"], case .array(let files)? = json["files"]
        else { return nil }
        let heads = journals.compactMap { head -> Head? in
            guard let journal = head["journal"]?.integerValue.flatMap({ Int16(exactly: $0) }),
                let after = head["after"]?.integerValue, let through = head["through"]?.integerValue,
                after >= 0, through >= after, let hash = head["head_hash"]?.stringValue
            else { return nil }
            let range = ExportRange(journal: journal, after: after, through: through)
            return Head(range: range, hash: hash, eventHash: head["event_hash"]?.stringValue)
        }
        self.init(kind: kind, ledger: ledger, price: json["usd_per_credit"]?.stringValue, heads: heads)
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
