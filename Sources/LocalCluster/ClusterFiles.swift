import Foundation
import Glibc

/// Where a cluster keeps its files.
///
///     folder/          named by the caller
///         lock         held while the cluster is made, started or stopped
///         location     only when the server can't reach the folder: the path of the home elsewhere
///     home/            the same folder, or the one that `location` names
///         data/        PostgreSQL's own
///         socket/      the Unix socket
///         socket-folder    only when the path to socket/ is too long for a socket: the path of another
///         postgres.log     the server's log; postgres.log.1 is the one before
struct ClusterFiles: Sendable {
    // A socket's path has at most 107 bytes, and PostgreSQL appends "/.s.PGSQL.5432", which are 14.
    private static let longestSocketFolderBytes = 92
    private static let rotatedLogBytes = 64 << 20

    let folder: String
    let home: String

    var data: String { "\(home)/data" }
    var unfinishedData: String { "\(home)/data.unfinished" }
    var log: String { "\(home)/postgres.log" }
    var configuration: String { "\(data)/runledger.conf" }
    var lock: String { "\(folder)/lock" }
    private var location: String { "\(folder)/location" }
    private var socketFolderRecord: String { "\(home)/socket-folder" }

    init(folder: String) {
        self.folder = folder
        // Root must not be sent elsewhere by a file of another user.
        self.home = ClusterFiles.ownLine(of: "\(folder)/location") ?? folder
    }

    /// The folder of the Unix socket.
    var socketFolder: String { Self.line(of: socketFolderRecord) ?? "\(home)/socket" }

    var exists: Bool { FileManager.default.fileExists(atPath: "\(data)/PG_VERSION") }

    var majorVersion: Int? { Self.line(of: "\(data)/PG_VERSION").flatMap { Int($0) } }

    /// The name under which its processes are listed, different for every folder.
    var clusterName: String {
        let hash = data.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return "runledger-" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Makes the folder and, where the server's user can't reach it, a home elsewhere; returns the files as they are then.
    func prepareHome(for user: ServerUser) async throws(LocalClusterError) -> ClusterFiles {
        if home != folder, FileManager.default.fileExists(atPath: home) { return self }
        try Self.makeFolder(folder)
        let isEmpty = FileManager.default.contents(atPath: location) == nil
        if isEmpty {
            try user.takeOver(folder, mode: 0o700)
            if await user.canUse(folder) { return self }
        }
        guard user.isSwitched, chown(folder, 0, 0) == 0 else {
            throw LocalClusterError(
                .folderNotUsable,
                "\(folder) can't be written by the user that runs PostgreSQL.",
                advice: "Choose a folder that you own."
            )
        }
        let home = try Self.makePrivateFolder(in: "/var/tmp")
        try user.takeOver(home, mode: 0o700)
        try Self.write("\(home)\n", to: location)
        return ClusterFiles(folder: folder)
    }

    /// Makes the socket's folder: inside the home, or a short one when the path would be too long for a socket.
    func prepareSocketFolder(for user: ServerUser) throws(LocalClusterError) {
        let inside = "\(home)/socket"
        if inside.utf8.count <= Self.longestSocketFolderBytes {
            unlink(socketFolderRecord)
            guard mkdir(inside, 0o700) == 0 else { return }
            return try user.takeOver(inside, mode: 0o700)
        }
        if let recorded = Self.line(of: socketFolderRecord), Self.isPrivateFolder(recorded, of: user.userID) { return }
        let short = try Self.makePrivateFolder(in: "/tmp")
        try user.takeOver(short, mode: 0o700)
        try Self.write("\(short)\n", to: socketFolderRecord)
    }

    /// Starts a new log file when the old one has grown large.
    func rotateLog() {
        var information = stat()
        guard stat(log, &information) == 0, information.st_size > Self.rotatedLogBytes else { return }
        rename(log, "\(log).1")
    }

    /// The last lines of the server's log.
    func logTail(lineCount: Int = 20) -> String {
        guard let file = FileHandle(forReadingAtPath: log) else { return "" }
        defer { try? file.close() }
        let length = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: length > 16_384 ? length - 16_384 : 0)
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").suffix(lineCount).joined(separator: "\n")
    }

    /// Removes everything, also what lies elsewhere.
    func removeAll() throws(LocalClusterError) {
        let elsewhere = [socketFolder, home].filter { !$0.hasPrefix(folder) }
        for path in elsewhere + [folder] where FileManager.default.fileExists(atPath: path) {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                throw LocalClusterError(
                    .folderNotUsable,
                    "\(path) can't be removed: \(error.localizedDescription)",
                    advice: "Remove it by hand, as the user that made it."
                )
            }
        }
    }

    /// Writes a file in one step, so that it is never seen half written; every user may read it.
    static func write(_ text: String, to path: String) throws(LocalClusterError) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            chmod(path, 0o644)
        } catch {
            throw LocalClusterError(
                .folderNotUsable,
                "\(path) can't be written: \(error.localizedDescription)",
                advice: "Check the folder's owner and the room on the disk."
            )
        }
    }

    static func makeFolder(_ path: String) throws(LocalClusterError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw LocalClusterError(
                .folderNotUsable,
                "\(path) can't be made: \(error.localizedDescription)",
                advice: "Choose a folder that you may write to."
            )
        }
    }

    /// The first line of a file; nil when there is none.
    static func line(of path: String) -> String? { lines(of: path)?.first }

    /// The lines of a file that are not empty; nil when there is no file.
    static func lines(of path: String) -> [String]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static func ownLine(of path: String) -> String? {
        var information = stat()
        guard lstat(path, &information) == 0, information.st_uid == geteuid() else { return nil }
        return line(of: path)
    }

    private static func isPrivateFolder(_ path: String, of user: uid_t) -> Bool {
        var information = stat()
        guard lstat(path, &information) == 0 else { return false }
        return information.st_mode & S_IFMT == S_IFDIR && information.st_uid == user && information.st_mode & 0o077 == 0
    }

    private static func makePrivateFolder(in parent: String) throws(LocalClusterError) -> String {
        var template = Array("\(parent)/runledger-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw LocalClusterError(
                .folderNotUsable,
                "No folder can be made in \(parent): \(String(cString: strerror(errno))).",
                advice: "Make room there, or choose a folder with a shorter path that other users can traverse."
            )
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
