import Foundation
import Glibc

/// A file that is written under another name, hashed on the way, and put in its place when it is whole and on disk.
final class ExportFile: @unchecked Sendable {
    // Unchecked: one writer at a time; the connection's thread writes while the one that waits for it does nothing else.
    private let name: String
    private let folder: URL
    private let handle: FileHandle
    private var entry: FileEntry
    private var buffer = Data()

    private var partial: URL { folder.appendingPathComponent(name + ".partial") }

    init(named name: String, in folder: URL) throws {
        self.name = name
        self.entry = FileEntry(name)
        self.folder = folder
        let path = folder.appendingPathComponent(name + ".partial").path
        // FileManager would make one of another name first, which stays when the program is killed meanwhile.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ExportError.unwritable(path) }
        self.handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        entry.add(bytes)
        buffer.append(contentsOf: bytes)
        // 1 MiB at a time: rows are small, and each write is a call of the system.
        if buffer.count >= 1 << 20 { try flush() }
    }

    func write(_ text: String) throws {
        var copy = text
        try copy.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }

    /// Puts the file in its place.
    func finish() throws -> ExportManifest.File {
        try flush()
        try handle.synchronize()
        try handle.close()
        // In the place of one of that name there is always a whole one: the old or the new.
        let target = folder.appendingPathComponent(name).path
        guard rename(partial.path, target) == 0 else { throw ExportError.unwritable(target) }
        return entry.file
    }

    /// Leaves nothing behind.
    func abandon() {
        try? handle.close()
        try? FileManager.default.removeItem(at: partial)
    }

    private func flush() throws {
        try handle.write(contentsOf: buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// The size and hash of a file that is there; nil when it is not.
    static func entry(of name: String, in folder: URL) throws -> ExportManifest.File? {
        guard let handle = FileHandle(forReadingAtPath: folder.appendingPathComponent(name).path) else { return nil }
        defer { try? handle.close() }
        var entry = FileEntry(name)
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            entry.add(piece)
        }
        return entry.file
    }
}

/// Why an export can't be made.
public enum ExportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file or folder can't be written.
    case unwritable(String)
    /// The folder holds files, and no manifest of an export.
    case folderNotEmpty(String)
    /// The folder holds another export: of another kind, ledger or price.
    case otherExport(String)
    /// The folder holds this export, whole.
    case complete(String)
    /// The folder holds the beginning of an export, and going on was not asked for.
    case unfinished(String)
    /// The journal does not have what the export began with, or what the one before ended with.
    case ledgerDiffers(journal: Int16)
    /// What was asked to begin or to end with is not in the ledger.
    case outside(String)
    /// An export of this kind needs the price of a credit.
    case priceMissing
    /// An event can't be posted.
    case damaged(String)

    /// What is wrong, for a person.
    public var description: String {
        switch self {
        case .unwritable(let path): "\(path) can't be written."
        case .folderNotEmpty(let path): "The folder \(path) holds other files."
        case .otherExport(let path): "The folder \(path) holds another export."
        case .complete(let path): "The folder \(path) holds this export already, and it is complete."
        case .unfinished(let path): "The folder \(path) holds an export that was interrupted."
        case .ledgerDiffers(let journal): "Journal \(journal) does not hold what the export was made of before."
        case .outside(let message): message
        case .priceMissing: "FOCUS states costs in USD, and the ledger does not know what a credit is sold for."
        case .damaged(let message): "The ledger is damaged: \(message)."
        }
    }
}
