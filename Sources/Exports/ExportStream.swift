import Books
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
        self.kind = kind
        self.price = try kind.price(price)
    }

    /// What will be exported: everything there is now, and no file yet.
    public func manifest(
        of store: LedgerStore,
        _ connection: PostgresScriptConnection
    ) async throws -> ExportManifest {
        ExportManifest(
            kind: kind,
            ledger: store.name,
            price: price,
            positionsPerFile: LedgerExport.positionsPerPart,
            heads: try await ExportBounds().heads(connection) { _ in }
        )
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
            try await writeBooks(format, &manifest, store, &sink)
        } else {
            for part in manifest.parts { manifest.files.append(try await copy(part, manifest, connection, &sink)) }
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
        try await file(kind.name(of: part), &sink) { write in
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
                try await connection.copyOut(statement) { row in
                    received.bytes.withLock { $0.append(contentsOf: row) }
                }
                try await write(received.bytes.withLock { $0 })
            }
        }
    }

    private func writeBooks(
        _ format: PlainTextBooks.Format,
        _ manifest: inout ExportManifest,
        _ store: LedgerStore,
        _ sink: inout some ExportSink
    ) async throws {
        var books = PlainTextBooks(format)
        var includes = ""
        for part in manifest.parts {
            let name = kind.name(of: part)
            includes += books.include(name)
            manifest.files.append(
                try await file(name, &sink) { write in
                    try await books.write(part, of: store) { text in try await write(Array(text.utf8)) }
                }
            )
        }
        let text = books.heading(title: manifest.ledger) + includes + "\n" + books.ending()
        manifest.files.append(
            try await file("books.\(format.suffix)", &sink) { write in try await write(Array(text.utf8)) }
        )
    }

    /// Hands a file over, counted and hashed as it goes by.
    private func file(
        _ name: String,
        _ sink: inout some ExportSink,
        _ body: (_ write: ([UInt8]) async throws -> Void) async throws -> Void
    ) async throws -> ExportManifest.File {
        var entry = FileEntry(name)
        try await sink.begin(name)
        try await body { bytes in
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
