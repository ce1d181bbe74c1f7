import Foundation
import Glibc

/// The files of a log in a folder of this machine.
public struct LogFolder: LogStorage {
    let folder: String

    /// Names a folder; it is made when the first file is written.
    public init(_ folder: String) { self.folder = folder }

    /// The bytes of a file; nil when there is none.
    public func read(_ path: String) async throws -> [UInt8]? { try readNow(path) }

    /// The same for whoever may block.
    public func readNow(_ path: String) throws -> [UInt8]? {
        let full = "\(folder)/\(path)"
        guard FileManager.default.fileExists(atPath: full) else { return nil }
        return Array(try Data(contentsOf: URL(fileURLWithPath: full)))
    }

    /// Writes a file beside its place, forces it to disk, renames it into place, and forces that to disk too.
    public func write(_ bytes: [UInt8], to path: String) async throws { try writeNow(bytes, to: path) }

    /// The same for whoever may block.
    public func writeNow(_ bytes: [UInt8], to path: String) throws {
        let target = URL(fileURLWithPath: "\(folder)/\(path)")
        let parent = target.deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        let draft = parent.appendingPathComponent(".\(UUID().uuidString)")
        do {
            try Data(bytes).write(to: draft)
            try Self.force(draft.path, O_WRONLY)
            guard rename(draft.path, target.path) == 0 else { throw Self.systemError }
            try Self.force(parent.path, O_RDONLY | O_DIRECTORY)
        } catch {
            unlink(draft.path)
            throw error
        }
    }

    private static func force(_ path: String, _ flags: Int32) throws {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError }
    }

    private static var systemError: POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
