import Books
import Crypto
import Ledger
public import LedgerStore
public import Postgres
import Registry
import Synchronization

/// Takes the files of an export one after another.
public protocol ExportSink {
    /// A file begins.
    mutating func begin(_ name: String) async throws
    /// More of it.
    mutating func write(_ bytes: [UInt8]) async throws
    /// It is whole.
    mutating func end() async throws
}

/// Hands an export over as it is made: the files that `LedgerExport` writes into a folder, byte for byte, and the manifest.
///
/// Nothing is kept: what can't be taken yet is not read yet. An export that breaks off is begun anew.
public struct ExportStream: Sendable {
    /// Positions that are copied at once: about 1 MB.
    static let positionsAtOnce: Int64 = 2_000

    private let kind: ExportKind
    private let price: String?

    /// An export.
    ///
    /// - Parameters:
    ///   - kind: what is exported.
    ///   - price: what a credit is sold for, as a decimal number of USD; for `focus` only.
    public init(_ kind: ExportKind, price: String? = nil) throws(ExportError) {
        if kind == .focus, price == nil { throw .priceMissing }
        self.kind = kind
        self.price = kind == .focus ? price : nil
    }

    /// What will be exported: everything there is now, and no file yet.
    public func manifest(
        of store: LedgerStore,
        _ connection: PostgresScriptConnection
    ) async throws -> ExportManifest {
        try await ExportManifest(kind, of: store, price: price, connection)
    }

    /// Makes the export.
    ///
    /// - Parameters:
    ///   - manifest: what is exported, as `manifest(of:_:)` says.
    ///   - store: the ledger.
    ///   - connection: a connection that may read what is exported.
    ///   - sink: takes the files, the manifest last.
    /// - Returns: the complete manifest.
    public func run(
        _ manifest: ExportManifest,
        _ store: LedgerStore,
        _ connection: PostgresScriptConnection,
        to sink: inout some ExportSink
    ) async throws -> ExportManifest {
        var manifest = manifest
        if let format = kind.books {
            manifest.files.append(try await books(format, manifest, store, &sink))
        } else {
            for head in manifest.heads {
                for part in head.range.parts(of: LedgerExport.positionsPerPart) {
                    manifest.files.append(try await copy(part, manifest, connection, &sink))
                }
            }
        }
        manifest.isComplete = true
        try await sink.begin(ExportManifest.fileName)
        try await sink.write(Array((manifest.json.description + "\n").utf8))
        try await sink.end()
        return manifest
    }

    private func copy(
        _ part: ExportRange,
        _ manifest: ExportManifest,
        _ connection: PostgresScriptConnection,
        _ sink: inout some ExportSink
    ) async throws -> ExportManifest.File {
        var entry = FileEntry(kind.name(of: part))
        try await sink.begin(entry.name)
        // Events never change: the pieces of a part are the part.
        for piece in part.parts(of: Self.positionsAtOnce) {
            let statement = kind.copyStatement(
                piece,
                price: price,
                issuer: manifest.ledger,
                hasHeader: piece.after == part.after
            )
            guard let statement else { preconditionFailure("\(kind) is no CSV") }
            let received = Received()
            try await connection.copyOut(statement) { row in received.bytes.withLock { $0.append(contentsOf: row) } }
            let bytes = received.bytes.withLock { $0 }
            entry.add(bytes)
            try await sink.write(bytes)
        }
        try await sink.end()
        return entry.file
    }

    private func books(
        _ format: PlainTextBooks.Format,
        _ manifest: ExportManifest,
        _ store: LedgerStore,
        _ sink: inout some ExportSink
    ) async throws -> ExportManifest.File {
        var entry = FileEntry("books.\(kind.suffix)")
        try await sink.begin(entry.name)
        try await store.writeBooks(format, upTo: manifest.heads, title: manifest.ledger) { text, _ in
            let bytes = Array(text.utf8)
            entry.add(bytes)
            try await sink.write(bytes)
        }
        try await sink.end()
        return entry.file
    }
}

/// The rows of a piece.
private final class Received: Sendable {
    let bytes = Mutex<[UInt8]>([])
}

/// Counts and hashes a file as it goes by.
private struct FileEntry {
    let name: String
    private var count: Int64 = 0
    private var hash = SHA256()

    init(_ name: String) { self.name = name }

    mutating func add(_ bytes: [UInt8]) {
        count += Int64(bytes.count)
        hash.update(data: bytes)
    }

    var file: ExportManifest.File { ExportManifest.File(name: name, bytes: count, sha256: hash.finalize().hexadecimal) }
}

extension SHA256.Digest {
    /// The digits, two for each byte.
    var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

extension ExportManifest {
    /// What an export of all there is now holds, before its first file.
    init(
        _ kind: ExportKind,
        of store: LedgerStore,
        price: String?,
        _ connection: PostgresScriptConnection
    ) async throws {
        let rows = try await connection.execute(
            script: """
                SELECT journals.journal, journals.position, encode(journals.head_hash, 'hex'), encode(events.hash, 'hex')
                FROM ledger.journals
                LEFT JOIN ledger.events
                    ON journals.journal = events.journal AND journals.position = events.position
                ORDER BY journals.journal
                """
        )
        let heads = (rows.last?.rows ?? []).compactMap { row -> Head? in
            guard let journal = row[0].flatMap({ Int16($0) }), let position = row[1].flatMap({ Int64($0) }),
                let hash = row[2]
            else { return nil }
            let range = ExportRange(journal: journal, after: 0, through: position)
            return Head(range: range, hash: hash, eventHash: row[3])
        }
        self.init(kind: kind, ledger: store.name, price: price, heads: heads)
    }
}

extension LedgerStore {
    /// Writes the books of the events up to some heads, piece by piece; each comes with how many events are done.
    func writeBooks(
        _ format: PlainTextBooks.Format,
        upTo heads: [ExportManifest.Head],
        title: String,
        write: (_ text: String, _ done: Int64) async throws -> Void
    ) async throws {
        var books = PlainTextBooks(format)
        try await write(books.heading(title: title), 0)
        var done: Int64 = 0
        for head in heads {
            var position = head.range.after
            while position < head.range.through {
                let limit = Int(min(5_000, head.range.through - position))
                let page = try await events(in: JournalID(head.range.journal), after: position, limit: limit)
                guard page.last?.position == position + Int64(limit) else {
                    throw ExportError.damaged("journal \(head.range.journal) has a gap after position \(position)")
                }
                var text = ""
                do throws(PostingError) {
                    for event in page { text += try books.transaction(event) }
                } catch {
                    throw ExportError.damaged(error.description)
                }
                position += Int64(limit)
                done += Int64(limit)
                try await write(text, done)
            }
        }
        try await write(books.ending(), done)
    }
}
