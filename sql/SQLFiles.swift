internal import Foundation

/// All SQL of the ledger, as it was built into the program or as it lies in a folder.
public struct SQLFiles: Hashable, Sendable {
    /// The folders, in the order in which the migrator goes through them.
    public enum Folder: String, Hashable, Sendable, CaseIterable {
        /// The roles, which belong to the whole server.
        case roles
        /// The schema and the migrator's own tables.
        case bookkeeping
        /// What makes and changes tables; applied once, in order, and never edited afterwards.
        case migrations
        /// Functions, replaced when their file changes.
        case functions
        /// Views, replaced when their file changes.
        case views
        /// Triggers and event triggers, replaced when their file changes.
        case triggers
        /// What each role may do, granted anew when anything changes.
        case grants
        /// Scripts for `psql`; the migrator leaves them alone.
        case reports
    }

    /// The environment's variable that names a folder to read instead of what was built in.
    public static let folderVariable = "RUNLEDGER_SQL_DIR"

    private let files: [Folder: [SQLFile]]

    /// Takes files as they are; their order in a folder is that of their names.
    ///
    /// - Throws: the first migration that is misnamed or out of sequence, or a file in no known folder.
    public init(_ files: [SQLFile]) throws(SQLFilesError) {
        var byFolder: [Folder: [SQLFile]] = [:]
        for file in files.sorted(by: { $0.path < $1.path }) {
            guard let folder = file.path.split(separator: "/").first.flatMap({ Folder(rawValue: String($0)) }) else {
                throw SQLFilesError(path: file.path, "is in none of the known folders")
            }
            byFolder[folder, default: []].append(file)
        }
        for (index, migration) in (byFolder[.migrations] ?? []).enumerated() {
            let digits = migration.name.prefix(4)
            guard digits.utf8.count == 4, Int(digits) == index + 1, migration.name.dropFirst(4).hasPrefix("_") else {
                throw SQLFilesError(
                    path: migration.path,
                    "migrations are numbered without a gap: the name must start with the four digits of \(index + 1)"
                )
            }
        }
        self.files = byFolder
    }

    /// Reads the files below a folder and checks the migrations against `migrations/checksums.txt`.
    ///
    /// - Parameter folder: a path, absolute or relative to the working folder.
    /// - Throws: what can't be read, and the first migration that was edited, with both checksums.
    public init(folder: String) throws(SQLFilesError) {
        var files: [SQLFile] = []
        for name in Folder.allCases.map(\.rawValue) {
            let path = "\(folder)/\(name)"
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
                throw SQLFilesError(path: path, "this folder of SQL files can't be read")
            }
            for file in names where file.hasSuffix(".sql") {
                files.append(try SQLFile(path: "\(name)/\(file)", text: Self.text(at: "\(path)/\(file)")))
            }
        }
        try self.init(files)
        try checkMigrations(against: Self.text(at: "\(folder)/migrations/checksums.txt"))
    }

    /// The files that belong to this program: those in `RUNLEDGER_SQL_DIR` if it is set, else those built in.
    ///
    /// - Throws: what can't be read, and the first migration that was edited, with both checksums.
    public static func bundled() throws(SQLFilesError) -> SQLFiles {
        if let folder = ProcessInfo.processInfo.environment[folderVariable], !folder.isEmpty {
            return try SQLFiles(folder: folder)
        }
        // Beside the executable first: the generated accessor also knows the build folder, and traps without either.
        let beside = Bundle.main.bundleURL.appendingPathComponent("runledger_SQLFiles.resources").path
        if FileManager.default.fileExists(atPath: beside) { return try SQLFiles(folder: beside) }
        return try SQLFiles(folder: Bundle.module.resourcePath ?? Bundle.module.bundlePath)
    }

    /// The files of a folder, in order.
    public subscript(folder: Folder) -> [SQLFile] { files[folder] ?? [] }

    /// These files with some replaced, by path, or added.
    ///
    /// - Throws: as ``init(_:)`` does.
    public func replacing(_ changed: [SQLFile]) throws(SQLFilesError) -> SQLFiles {
        let paths = Set(changed.map(\.path))
        return try SQLFiles(files.values.joined().filter { !paths.contains($0.path) } + changed)
    }

    private func checkMigrations(against list: String) throws(SQLFilesError) {
        let path = "migrations/checksums.txt"
        var recorded: [String: String] = [:]
        for (index, line) in list.split(separator: "\n").enumerated() {
            let words = line.split(separator: " ")
            guard words.count == 2, recorded.updateValue(String(words[0]), forKey: String(words[1])) == nil else {
                throw SQLFilesError(path: path, line: index + 1, "expected a checksum and the name of a migration")
            }
        }
        for migration in self[.migrations] {
            let checksum = recorded.removeValue(forKey: migration.name)
            guard checksum != migration.checksum else { continue }
            guard let checksum else {
                throw SQLFilesError(path: path, "lacks the line `\(migration.checksum)  \(migration.name)`")
            }
            throw SQLFilesError(
                path: migration.path,
                "was edited: it was committed with the checksum \(checksum) and has \(migration.checksum); "
                    + "restore it and write a new migration"
            )
        }
        if let missing = recorded.keys.min() { throw SQLFilesError(path: "migrations/\(missing)", "is missing") }
    }

    private static func text(at path: String) throws(SQLFilesError) -> String {
        guard let data = FileManager.default.contents(atPath: path), let text = String(validating: data, as: UTF8.self)
        else { throw SQLFilesError(path: path, "can't be read as UTF-8") }
        return text
    }
}
