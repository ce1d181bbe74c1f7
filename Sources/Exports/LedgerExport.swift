import Books
public import Foundation
import Ledger
public import LedgerStore
public import Postgres
import Registry

/// Writes an export into a folder: files, and a manifest that names positions, heads and hashes.
///
/// It goes part by part, each a fixed range of positions: CSV straight from COPY to the file, books event by event. An export
/// that was interrupted goes on after its last whole part, up to the positions it began with, and has the same bytes in the end.
public struct LedgerExport: Sendable {
    /// How far an export is.
    public struct Progress: Hashable, Sendable {
        /// What is done to the events.
        public enum Stage: Hashable, Sendable {
            /// Their hashes are read, of all up to where the export ends.
            case hashing
            /// They are written.
            case writing
        }

        /// What is done to the events now.
        public let stage: Stage
        /// Events done.
        public let done: Int64
        /// Events in all.
        public let total: Int64
    }

    /// Positions in a part of a CSV export.
    public static let positionsPerPart: Int64 = 65_536

    let kind: ExportKind
    let folder: URL
    let bounds: ExportBounds
    private let price: String?
    private let positionsPerPart: Int64

    /// An export.
    ///
    /// - Parameters:
    ///   - kind: what is exported.
    ///   - folder: where to; made if it is not there.
    ///   - bounds: where it begins and ends.
    ///   - price: what a credit is sold for, as a decimal number of USD; for `focus` only.
    ///   - positionsPerPart: positions in a file; one that goes on keeps to what it began with.
    public init(
        _ kind: ExportKind,
        to folder: URL,
        bounds: ExportBounds = ExportBounds(),
        price: String? = nil,
        positionsPerPart: Int64 = positionsPerPart
    ) throws(ExportError) {
        self.kind = kind
        self.folder = folder
        self.bounds = bounds
        self.price = try kind.price(price)
        self.positionsPerPart = positionsPerPart
    }

    /// Makes the export.
    ///
    /// - Parameters:
    ///   - store: the ledger.
    ///   - configuration: how to connect as `runledger_finance`.
    ///   - resumes: whether to go on with one that was interrupted.
    ///     Where it begins and ends it says itself then.
    ///   - progress: called before the first file and after each piece.
    /// - Returns: the complete manifest.
    public func run(
        _ store: LedgerStore,
        _ configuration: PostgresConfiguration,
        resumes: Bool = false,
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws -> ExportManifest {
        try makeFolder()
        let connection = try await PostgresScriptConnection(configuration: configuration)
        do {
            var manifest = try await begin(connection, store, resumes: resumes, progress)
            progress(Progress(stage: .writing, done: 0, total: manifest.eventCount))
            if let format = kind.books {
                try await writeBooks(format, store, connection, &manifest, progress)
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
        resumes: Bool,
        _ progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> ExportManifest {
        let file = folder.appendingPathComponent(ExportManifest.fileName)
        guard let data = FileManager.default.contents(atPath: file.path) else {
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
            guard names.allSatisfy({ $0.hasSuffix(".partial") }) else { throw ExportError.folderNotEmpty(path) }
            let heads = try await bounds.heads(connection, progress)
            let manifest = ExportManifest(
                kind: kind,
                ledger: store.name,
                price: price,
                positionsPerFile: positionsPerPart,
                heads: heads
            )
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
            guard rows.last?.rows.first?.first == head.eventHash?.description else {
                throw ExportError.ledgerDiffers(journal: head.range.journal)
            }
        }
    }

    private func write(_ manifest: ExportManifest) throws {
        let file = try ExportFile(named: ExportManifest.fileName, in: folder)
        try file.write(manifest.json.description + "\n")
        _ = try file.finish()
    }

    // MARK: Files

    /// Goes over the parts in order, and puts every file that is made into the manifest.
    ///
    /// - Parameter make: makes the file of a part under a name, unless it is there and whole.
    func forEachPart(
        _ manifest: inout ExportManifest,
        _ progress: (Progress) -> Void,
        _ make: (_ part: ExportRange, _ name: String, _ isWhole: Bool) async throws -> ExportManifest.File?
    ) async throws {
        var done: Int64 = 0
        let names = Set(manifest.files.map(\.name))
        for part in manifest.parts {
            let name = kind.name(of: part)
            if let file = try await make(part, name, names.contains(name)) {
                manifest.files.append(file)
                try write(manifest)
            }
            done += part.count
            progress(Progress(stage: .writing, done: done, total: manifest.eventCount))
        }
    }

    private func copyParts(
        _ connection: PostgresScriptConnection,
        _ manifest: inout ExportManifest,
        _ progress: (Progress) -> Void
    ) async throws {
        let issuer = manifest.ledger
        try await forEachPart(&manifest, progress) { part, name, isWhole in
            isWhole ? nil : try await copy(part, connection, named: name, issuer)
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
}
