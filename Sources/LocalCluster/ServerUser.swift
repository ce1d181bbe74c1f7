import Foundation
import Glibc

/// The operating system's user that runs the server: oneself, or another one when oneself is root.
struct ServerUser: Sendable {
    let userID: uid_t
    let groupID: gid_t
    let name: String
    let isSwitched: Bool

    /// Chooses the user for a cluster: whoever owns it already, else `postgres` for root and oneself for others.
    ///
    /// - Parameter folder: the cluster's folder; it may not exist yet.
    static func choose(for folder: String) throws(LocalClusterError) -> ServerUser {
        let owner = FolderOwner(of: folder)
        let ownID = geteuid()
        guard ownID == 0 else {
            if let owner, owner.userID != ownID {
                throw LocalClusterError(
                    .folderNotUsable,
                    "The cluster in \(folder) belongs to another user (\(owner.name)).",
                    advice: "Run the command as that user or as root, or remove the folder to start afresh."
                )
            }
            return ServerUser(userID: ownID, groupID: getegid(), name: "", isSwitched: false)
        }
        if let owner, owner.userID != 0 {
            return ServerUser(userID: owner.userID, groupID: owner.groupID, name: owner.name, isSwitched: true)
        }
        guard let entry = getpwnam("postgres") else {
            throw LocalClusterError(
                .notInstalled,
                "PostgreSQL refuses to run as root, and this machine has no user `postgres` to run it as.",
                advice: "Run `apt-get install postgresql`, which creates that user, or start this as another user."
            )
        }
        let user = entry.pointee
        return ServerUser(userID: user.pw_uid, groupID: user.pw_gid, name: "postgres", isSwitched: true)
    }

    /// The command as that user runs it.
    func command(_ command: [String]) -> [String] {
        guard isSwitched else { return command }
        // setpriv becomes the program itself: no login session, no parent in between.
        return ["setpriv", "--reuid=\(userID)", "--regid=\(groupID)", "--clear-groups", "--"] + command
    }

    /// The environment of the server's programs: without settings of a client for another server.
    func environment() -> [String: String] {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
        environment["LC_ALL"] = "C"
        environment["PATH"] = (environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
        if isSwitched { environment["HOME"] = "/" }
        return environment
    }

    /// Hands a file or folder over to that user.
    func takeOver(_ path: String, mode: mode_t) throws(LocalClusterError) {
        guard chmod(path, mode) == 0, !isSwitched || lchown(path, userID, groupID) == 0 else {
            throw LocalClusterError(
                .folderNotUsable,
                "\(path) can't be made the server's own: \(String(cString: strerror(errno))).",
                advice: "Choose a folder on a file system that keeps owners and modes."
            )
        }
    }

    /// Whether that user can reach a folder and write in it.
    func canUse(_ folder: String) async -> Bool {
        guard isSwitched else { return access(folder, R_OK | W_OK | X_OK) == 0 }
        let test = ["test", "-w", folder, "-a", "-x", folder]
        let result = try? await ChildProcess.run(command(test), environment: environment())
        return result?.exit == .exited(code: 0)
    }
}

/// Who owns a folder.
private struct FolderOwner {
    let userID: uid_t
    let groupID: gid_t

    init?(of folder: String) {
        var information = stat()
        guard stat(folder, &information) == 0 else { return nil }
        self.userID = information.st_uid
        self.groupID = information.st_gid
    }

    var name: String { getpwuid(userID).map { String(cString: $0.pointee.pw_name) } ?? "\(userID)" }
}
