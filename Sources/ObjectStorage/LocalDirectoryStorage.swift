import Foundation
import Glibc
public import NIOCore
import NIOPosix

/// A folder of this machine, for when there is no bucket: the service itself serves what is in it.
///
/// An object is written to a file beside its place, forced to disk, and renamed into place, so that readers see all of it or
/// none. Several processes may share the folder. What a crash leaves half written lies in the folder's `.partial`, where `open`
/// removes what is older than a day.
public struct LocalDirectoryStorage: ObjectStore {
    /// The folder's path.
    public let folder: String
    private let baseURL: @Sendable () -> String

    /// Makes the folder if it is not there, and removes what a crash has left half written a day ago or earlier.
    ///
    /// - Parameters:
    ///   - folder: the folder.
    ///   - baseURL: where its objects are served: a URL or a path, to which `/` and an object's name are added. Asked for each
    ///     URL, since a service may learn its port only once it listens.
    /// - Throws: an `ObjectStorageError` when the folder can't be made.
    public static func open(
        folder: String,
        baseURL: @autoclosure @escaping @Sendable () -> String
    ) throws(ObjectStorageError) -> LocalDirectoryStorage {
        let storage = LocalDirectoryStorage(folder: folder, baseURL: baseURL)
        do {
            try FileManager.default.createDirectory(atPath: storage.partialFolder, withIntermediateDirectories: true)
        } catch {
            throw ObjectStorageError(.disk, "the media folder can't be made: \(error)")
        }
        storage.removeLeftovers(olderThanSeconds: 86_400)
        return storage
    }

    private func removeLeftovers(olderThanSeconds seconds: Int) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: partialFolder)) ?? [] {
            var status = stat()
            guard stat("\(partialFolder)/\(name)", &status) == 0, time(nil) - status.st_mtim.tv_sec > seconds else {
                continue
            }
            unlink("\(partialFolder)/\(name)")
        }
    }

    /// 32 random bytes that stay with the folder: made once, whoever asks first, and never served.
    ///
    /// - Throws: an `ObjectStorageError` when they can't be read or written.
    public func secret() throws(ObjectStorageError) -> [UInt8] {
        let path = "\(folder)/.secret"
        if FileManager.default.contents(atPath: path)?.count != 32 {
            let draft = "\(partialFolder)/\(UUID().uuidString)"
            var generator = SystemRandomNumberGenerator()
            let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let isMade = FileManager.default.createFile(
                atPath: draft,
                contents: Data(bytes),
                attributes: [.posixPermissions: 0o600]
            )
            defer { unlink(draft) }
            // A link, unlike a rename, leaves the file of a process that was faster.
            guard isMade, link(draft, path) == 0 || errno == EEXIST else { throw .system("a secret can't be written") }
        }
        guard let secret = FileManager.default.contents(atPath: path), secret.count == 32 else {
            throw ObjectStorageError(.disk, "the secret of the media folder is not 32 bytes: \(path)")
        }
        return Array(secret)
    }

    private init(folder: String, baseURL: @escaping @Sendable () -> String) {
        self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        self.baseURL = baseURL
    }

    private var partialFolder: String { "\(folder)/.partial" }

    /// Where an object's file is. A name holds no part that begins with a dot, so it can't lead out of the folder.
    func path(of name: ObjectName) -> String { "\(folder)/\(name)" }

    /// Writes an object's file and puts it in place.
    @discardableResult
    public func write<Source: AsyncSequence>(
        _ name: ObjectName,
        contentType: String,
        from source: Source,
        deadline: ContinuousClock.Instant
    ) async throws -> Int64 where Source.Element == ByteBuffer {
        let partial = "\(partialFolder)/\(UUID().uuidString)"
        let target = path(of: name)
        let file = try await onDisk { try PartialFile(path: partial) }
        var size: Int64 = 0
        do {
            var iterator = source.makeAsyncIterator()
            while let chunk = try await iterator.next(isolation: #isolation) {
                guard ContinuousClock.now < deadline else {
                    throw ObjectStorageError(.unavailable, "the deadline passed")
                }
                size += Int64(chunk.readableBytes)
                try await onDisk { try file.write(chunk) }
            }
            try await onDisk { try file.move(to: target) }
        } catch {
            try? await onDisk { file.discard() }
            throw error
        }
        return size
    }

    /// How many bytes an object's file has.
    public func size(
        of name: ObjectName,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) -> Int64? {
        let path = path(of: name)
        return try await onDisk {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            return Int64(status.st_size)
        }
    }

    /// Removes an object's file; its folders stay.
    public func delete(_ name: ObjectName, deadline: ContinuousClock.Instant) async throws(ObjectStorageError) {
        let path = path(of: name)
        try await onDisk {
            if unlink(path) != 0, errno != ENOENT { throw ObjectStorageError.system("a file can't be removed") }
        }
    }

    /// Removes a folder with all that is in it.
    public func deleteAll(
        under folder: ObjectName,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) -> Int {
        let path = path(of: folder)
        return try await onDisk {
            guard let entries = FileManager.default.enumerator(atPath: path) else { return 0 }
            var files: [String] = []
            var status = stat()
            for case let entry as String in entries
            where lstat("\(path)/\(entry)", &status) == 0 && status.st_mode & S_IFMT != S_IFDIR {
                files.append("\(path)/\(entry)")
            }
            for file in files where unlink(file) != 0 && errno != ENOENT {
                throw ObjectStorageError.system("a file can't be removed")
            }
            // What is left is empty folders; another process may have removed them by now.
            try? FileManager.default.removeItem(atPath: path)
            return files.count
        }
    }

    /// Where the service serves an object.
    public func url(of name: ObjectName, unixSeconds: Int64) -> String {
        let base = baseURL()
        return base.hasSuffix("/") ? "\(base)\(name)" : "\(base)/\(name)"
    }

    /// Runs what blocks on a thread for files.
    private func onDisk<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws(ObjectStorageError) -> Value {
        do {
            // Not given up by a cancelled task: what was begun is tidied up.
            return try await NIOThreadPool.singleton.runIfActive(eventLoop: MultiThreadedEventLoopGroup.singleton.any())
            {
                try body()
            }.get()
        } catch {
            throw error as? ObjectStorageError ?? ObjectStorageError(.unavailable, "\(error)")
        }
    }
}

/// A file that is not in its place yet. Its methods are called one after another.
private struct PartialFile: Sendable {
    private let path: String
    private let descriptor: Int32

    init(path: String) throws(ObjectStorageError) {
        self.path = path
        self.descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .system("a file can't be made") }
    }

    func write(_ buffer: ByteBuffer) throws(ObjectStorageError) {
        let failure = buffer.withUnsafeReadableBytes { bytes -> ObjectStorageError? in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return .system("a file can't be written") }
                rest = rest.dropFirst(count)
            }
            return nil
        }
        if let failure { throw failure }
    }

    /// Forces the file to disk and renames it, and forces that to disk too.
    func move(to target: String) throws(ObjectStorageError) {
        let folder = String(target.prefix { _ in true }.dropLast(target.reversed().prefix { $0 != "/" }.count + 1))
        guard fsync(descriptor) == 0 else { throw .system("a file can't be written") }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw ObjectStorageError(.disk, "a folder can't be made: \(error)")
        }
        guard rename(path, target) == 0 else { throw .system("a file can't be put in place") }
        close(descriptor)
        let parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }

    func discard() {
        close(descriptor)
        unlink(path)
    }
}

extension ObjectStorageError {
    /// The operating system's reason for the call that has just failed.
    fileprivate static func system(_ what: String) -> ObjectStorageError {
        ObjectStorageError(.disk, "\(what): \(String(cString: strerror(errno)))")
    }
}
