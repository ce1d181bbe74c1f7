import Glibc

/// The running main process of a cluster, as its `postmaster.pid` and the process table tell.
struct Postmaster: Sendable {
    let process: ProcessTable.Identity

    var pid: Int32 { process.pid }

    /// Nil when the cluster does not run; a file left by a killed server may name a stranger's process by now.
    init?(files: ClusterFiles) {
        let path = "\(files.data)/postmaster.pid"
        guard let lines = ClusterFiles.lines(of: path), lines.count > 1, let pid = Int32(lines[0]),
            let process = ProcessTable.identity(of: pid), let arguments = ProcessTable.arguments(of: pid),
            Self.isServer(arguments)
        else { return nil }
        // The second line is the path it was started with: the folder may have been moved since.
        guard arguments.contains(String(lines[1])) else { return nil }
        self.process = process
    }

    /// Removes the lock files of a killed server whose process id belongs to another program by now, or to a process that
    /// nobody reaped, as in a container without an init: PostgreSQL would refuse to start. Files that name a running
    /// server are left to PostgreSQL, which looks closer.
    static func removeStaleFiles(_ files: ClusterFiles) {
        for path in ["\(files.data)/postmaster.pid", "\(files.socketFolder)/.s.PGSQL.5432.lock"] {
            guard let first = ClusterFiles.lines(of: path)?.first, let pid = Int32(first) else { continue }
            let arguments = ProcessTable.identity(of: pid) == nil ? nil : ProcessTable.arguments(of: pid)
            if let arguments, isServer(arguments) { continue }
            unlink(path)
        }
    }

    private static func isServer(_ arguments: [String]) -> Bool {
        let name = arguments.first?.split(separator: "/").last ?? ""
        return name == "postgres" || name == "postmaster" || name.hasPrefix("postgres:")
    }
}
