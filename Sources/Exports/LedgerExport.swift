import Books
public import Foundation
import Ledger
public import LedgerStore
public import Postgres
import Registry

/// Writes an export into a folder: files, and a manifest that names positions, heads and hashes.
///
/// CSV goes part by part, each a fixed range of positions, straight from COPY to the file; an export that was interrupted goes
/// on after its last whole part, up to the positions it began with. Books are one file, which is begun anew.
public struct LedgerExport: Sendable {
    /// How far an export is.
    public struct Progress: Hashable, Sendable {
        /// Events done.
        public let done: Int64
        /// Events in all.
        public let total: Int64
    }

    /// Positions in a part of a CSV export.
    public static let positionsPerPart: Int64 = 65_536

    private let kind: ExportKind
    private let folder: URL
    private let price: String?
    private let positionsPerPart: Int64

    /// An export.
    ///
    /// - Parameters:
    ///   - kind: what is exported.
    ///   - folder: where to; made if it is not there.
    ///   - price: what a credit is sold for, as a decimal number of USD; for `focus` only.
    ///   - positionsPerPart: positions in a file.
    public init(
        _ kind: ExportKind,
        to folder: URL,
        price: String? = nil,
        positionsPerPart: Int64 = positionsPerPart
    ) throws(ExportError) {
        if kind == .focus, price == nil { throw .priceMissing }
        self.kind = kind
        self.folder = folder
        self.price = kind == .focus ? price : nil
        self.positionsPerPart = positionsPerPart
    }

    /// Makes the export.
    ///
    /// - Parameters:
    ///   - store: the ledger.
    ///   - configuration: how to connect as `runledger_finance`.
    ///   - resumes: whether to go on with one that was interrupted.
    ///   - progress: called before the first file and after each piece.
    /// - Returns: the complete manifest.
    public func run(
        _ store: LedgerStore,
        _ configuration: PostgresConfiguration,
        resumes: Bool = false,
        progress: @Sendable (Progress) -> Void = { _ in }
    ) async throws -> ExportManifest {
        try makeFolder()
        let connection = try await PostgresScriptConnection(configuration: configuration)
        do {
            var manifest = try await begin(connection, store, resumes: resumes)
            progress(Progress(done: 0, total: manifest.eventCount))
            if let format = kind.books {
                try await writeBooks(format, store, &manifest, progress)
            } else {
                try await copyParts(connection, &manifest, progress)
            }
            manifest.isComplete = true
            try write(manifest)
            await connection.close()
            return manifest
        } catch {
            await connection.close()
            throw error
        }
    }

    // MARK: The folder and its manifest

    private var path: String { folder.path }

    private func makeFolder() throws(ExportError) {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(path)
        }
    }

    /// A new manifest, or the one of the export that goes on.
    private func begin(
        _ connection: PostgresScriptConnection,
        _ store: LedgerStore,
        resumes: Bool
    ) async throws -> ExportManifest {
        let file = folder.appendingPathComponent(ExportManifest.fileName)
        guard let data = FileManager.default.contents(atPath: file.path) else {
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
            guard names.allSatisfy({ $0.hasSuffix(".partial") }) else { throw ExportError.folderNotEmpty(path) }
            let manifest = try await ExportManifest(kind, of: store, price: price, connection)
            try write(manifest)
            return manifest
        }
        guard let json = try? JSONValue(parsing: data), var manifest = ExportManifest(json), manifest.kind == kind,
            manifest.ledger == store.name, manifest.price == price
        else { throw ExportError.otherExport(path) }
        guard !manifest.isComplete else { throw ExportError.complete(path) }
        guard resumes else { throw ExportError.unfinished(path) }
        try await confirm(manifest.heads, connection)
        // A file that is not what the manifest says is made anew, and so is everything after it.
        var whole: [ExportManifest.File] = []
        for file in manifest.files {
            guard try ExportFile.entry(of: file.name, in: folder) == file else { break }
            whole.append(file)
        }
        manifest.files = whole
        return manifest
    }

    /// Checks that the journals still have, at the positions where the export is to end, the events that it began with.
    private func confirm(_ begun: [ExportManifest.Head], _ connection: PostgresScriptConnection) async throws {
        for head in begun where head.range.through > 0 {
            let rows = try await connection.execute(
                script: """
                    SELECT encode(hash, 'hex') FROM ledger.events
                    WHERE journal = \(head.range.journal) AND position = \(head.range.through)
                    """
            )
            guard rows.last?.rows.first?.first == head.eventHash else {
                throw ExportError.ledgerDiffers(journal: head.range.journal)
            }
        }
    }

    private func write(_ manifest: ExportManifest) throws {
        let file = folder.appendingPathComponent(ExportManifest.fileName)
        do {
            try Data((manifest.json.description + "\n").utf8).write(to: file, options: .atomic)
        } catch {
            throw ExportError.unwritable(file.path)
        }
    }

    // MARK: Files

    private func copyParts(
        _ connection: PostgresScriptConnection,
        _ manifest: inout ExportManifest,
        _ progress: (Progress) -> Void
    ) async throws {
        var done: Int64 = 0
        let names = Set(manifest.files.map(\.name))
        for head in manifest.heads {
            for part in head.range.parts(of: positionsPerPart) {
                let name = kind.name(of: part)
                if !names.contains(name) {
                    manifest.files.append(try await copy(part, connection, named: name, manifest.ledger))
                    try write(manifest)
                }
                done += part.count
                progress(Progress(done: done, total: manifest.eventCount))
            }
        }
    }

    private func copy(
        _ part: ExportRange,
        _ connection: PostgresScriptConnection,
        named name: String,
        _ issuer: String
    ) async throws -> ExportManifest.File {
        guard let statement = kind.copyStatement(part, price: price, issuer: issuer) else {
            preconditionFailure("\(kind) is no CSV")
        }
        let file = try ExportFile(named: name, in: folder)
        do {
            try await connection.copyOut(statement) { try file.write($0) }
            return try file.finish()
        } catch {
            file.abandon()
            throw error
        }
    }

    private func writeBooks(
        _ format: PlainTextBooks.Format,
        _ store: LedgerStore,
        _ manifest: inout ExportManifest,
        _ progress: (Progress) -> Void
    ) async throws {
        let file = try ExportFile(named: "books.\(kind.suffix)", in: folder)
        do {
            let total = manifest.eventCount
            try await store.writeBooks(format, upTo: manifest.heads, title: manifest.ledger) { text, done in
                try file.write(text)
                progress(Progress(done: done, total: total))
            }
            manifest.files = [try file.finish()]
        } catch {
            file.abandon()
            throw error
        }
    }
}
