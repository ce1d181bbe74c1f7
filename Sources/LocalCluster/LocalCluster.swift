import Foundation
import Glibc

/// A PostgreSQL server of one's own in a folder: a Unix socket, no port, no service manager, no container.
///
/// The server goes on when the program that started it ends. Root can't run PostgreSQL: then the cluster belongs to the
/// user `postgres`, and when that user can't reach the folder, the cluster lies in a folder under `/var/tmp`, whose path
/// the folder's file `location` keeps. Several processes may use the same folder at once.
public struct LocalCluster: Sendable {
    /// What a cluster is doing.
    public enum Status: Sendable, Hashable {
        /// There is none in the folder yet.
        case absent
        /// It exists and does not run.
        case stopped
        /// It runs, or is starting, under this process id.
        case running(pid: Int32)
    }

    /// How a server stops.
    public enum StopMode: String, Sendable {
        /// Ends the sessions, rolls back what is open, writes a checkpoint.
        case fast
        /// Ends at once without a checkpoint: the next start recovers from the log.
        case immediate
    }

    /// The absolute path of the folder named by the caller.
    public let folder: String
    /// Whether what is committed outlives a crash of the machine.
    public let isDurable: Bool
    /// PostgreSQL's settings beside the cluster's own, by name.
    public let settings: [String: String]

    /// Names a cluster; nothing is made or started yet.
    ///
    /// - Parameters:
    ///   - folder: where it is or will be, absolute or relative to the working folder.
    ///   - durable: false turns `fsync` off: for tests, which lose nothing of worth when the machine stops.
    ///   - settings: PostgreSQL's settings by name, which take precedence from the next start.
    public init(folder: String, durable: Bool = true, settings: [String: String] = [:]) {
        let path = URL(fileURLWithPath: folder).standardizedFileURL.path
        self.folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.isDurable = durable
        self.settings = settings
    }

    var files: ClusterFiles { ClusterFiles(folder: folder) }

    /// Where the data is when the server's user can't reach the folder; nil when it is in the folder itself.
    public var relocatedFolder: String? {
        let files = files
        return files.home == folder ? nil : files.home
    }

    /// The path of the server's log.
    public var logPath: String { files.log }

    /// The server's main process; nil when it does not run.
    public var postmasterPID: Int32? {
        guard case .running(let pid) = status() else { return nil }
        return pid
    }

    /// What the cluster is doing; a `postmaster.pid` left by a killed server does not count as running.
    public func status() -> Status {
        let files = files
        guard files.exists else { return .absent }
        return Postmaster(files: files).map { .running(pid: $0.pid) } ?? .stopped
    }

    /// A libpq connection URI through the cluster's Unix socket.
    ///
    /// - Parameters:
    ///   - database: the database's name.
    ///   - user: the role's name.
    public func connectionURL(database: String, user: String = "postgres") -> String {
        let unreserved = CharacterSet(charactersIn: "-._~").union(.alphanumerics)
        func encoded(_ text: String) -> String { text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text }
        return "postgresql://\(encoded(user))@\(encoded(files.socketFolder)):5432/\(encoded(database))"
    }

    /// Makes the cluster unless it exists: UTF-8, data checksums, superuser `postgres`, no passwords, a private socket.
    ///
    /// An attempt that was killed half-way leaves nothing that a later one trips over.
    public func initializeIfNeeded() async throws(LocalClusterError) {
        try await withLock { () async throws(LocalClusterError) in try await initializeLocked() }
    }

    /// Starts the server, making the cluster first if need be, and returns when it takes connections.
    ///
    /// Does nothing when it runs already. Recovers after a crash; waits for that up to ten minutes.
    public func start() async throws(LocalClusterError) {
        try await withLock { () async throws(LocalClusterError) in
            try await initializeLocked()
            try await startLocked()
        }
    }

    /// Stops the server and waits for its end; does nothing when it does not run.
    public func stop(mode: StopMode = .fast) async throws(LocalClusterError) {
        guard postmasterPID != nil else { return }
        try await withLock { () async throws(LocalClusterError) in
            let files = files
            guard let postmaster = Postmaster(files: files) else { return }
            let user = try ServerUser.choose(for: files.home)
            let binaries = try PostgresBinaries.find(requiredMajorVersion: files.majorVersion)
            let command = [binaries.path("pg_ctl"), "stop", "-D", files.data, "-m", mode.rawValue, "-w", "-t", "120"]
            let output = try await run(command, as: user)
            guard let output else { return }
            if !ProcessTable.isRunning(postmaster.process) { return }
            throw LocalClusterError(
                .stopFailed,
                "PostgreSQL in \(folder) did not stop: \(output)",
                advice: "Try once more with the mode `immediate`, which does not wait for a checkpoint.",
                logTail: files.logTail()
            )
        }
    }

    /// Kills the server's main process as a crash would, and waits until all its processes are gone. For crash tests.
    public func killPostmaster() async throws(LocalClusterError) {
        guard let postmaster = Postmaster(files: files) else {
            throw LocalClusterError(.notRunning, "PostgreSQL in \(folder) does not run.", advice: "Start it first.")
        }
        let children = ProcessTable.children(of: postmaster.pid)
        kill(postmaster.pid, SIGKILL)
        try await waitForEnd(of: [postmaster.process] + children)
    }

    /// Stops the server at once and removes the cluster with all its data.
    public func remove() async throws(LocalClusterError) {
        try await stop(mode: .immediate)
        try files.removeAll()
    }

    /// Runs SQL as the superuser with `psql`, for administration; each statement commits by itself.
    ///
    /// - Parameters:
    ///   - sql: one or more statements, or commands of `psql`.
    ///   - database: the database's name.
    /// - Returns: the rows, without heading, a tab between columns.
    @discardableResult
    public func psql(_ sql: String, database: String = "postgres") async throws(LocalClusterError) -> String {
        try await LocalCluster.psql(sql, url: connectionURL(database: database))
    }
}
