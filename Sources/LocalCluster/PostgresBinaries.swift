import Foundation

/// The folder of one installed PostgreSQL's server programs.
package struct PostgresBinaries: Sendable {
    /// The oldest version that has what the ledger's SQL uses.
    static let minimumMajorVersion = 15

    let folder: String
    let majorVersion: Int

    package func path(_ program: String) -> String { "\(folder)/\(program)" }

    /// Finds the server programs: `PG_BINDIR`, then the folders in `PATH`, then Debian's folders, newest first.
    ///
    /// - Parameter requiredMajorVersion: the version that made the cluster, when there is one already.
    package static func find(requiredMajorVersion: Int?) throws(LocalClusterError) -> PostgresBinaries {
        let environment = ProcessInfo.processInfo.environment
        var seenVersions: [String] = []
        if let named = environment["PG_BINDIR"], !named.isEmpty {
            guard let binaries = PostgresBinaries(installedIn: named) else {
                throw LocalClusterError(
                    .notInstalled,
                    "PG_BINDIR names \(named), which has no initdb, pg_ctl and postgres.",
                    advice: "Unset PG_BINDIR or set it to the folder of PostgreSQL's server programs."
                )
            }
            if binaries.isUsable(requiredMajorVersion) { return binaries }
            seenVersions.append("\(binaries.majorVersion) in \(named)")
        } else {
            let inPath = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
            for folder in inPath + debianFolders() {
                guard let binaries = PostgresBinaries(installedIn: folder) else { continue }
                if binaries.isUsable(requiredMajorVersion) { return binaries }
                seenVersions.append("\(binaries.majorVersion) in \(folder)")
            }
        }
        let wanted = requiredMajorVersion.map { "\($0), which made this cluster," } ?? "\(minimumMajorVersion) or newer"
        let seen = seenVersions.isEmpty ? "none was found" : "found: \(seenVersions.joined(separator: ", "))"
        let package = requiredMajorVersion.map { "postgresql-\($0)" } ?? "postgresql"
        throw LocalClusterError(
            .notInstalled,
            "The server programs of PostgreSQL \(wanted) are needed; \(seen).",
            advice: "Run `apt-get install \(package)`, or set PG_BINDIR to the folder of initdb and pg_ctl."
        )
    }

    private init?(installedIn folder: String) {
        let files = FileManager.default
        guard ["initdb", "pg_ctl", "postgres"].allSatisfy({ files.isExecutableFile(atPath: "\(folder)/\($0)") }) else {
            return nil
        }
        // Links such as /usr/local/bin/initdb lead to the folder that has psql and the other programs too.
        let initdb = URL(fileURLWithPath: "\(folder)/initdb").resolvingSymlinksInPath()
        let realFolder = initdb.deletingLastPathComponent().path
        self.folder = files.isExecutableFile(atPath: "\(realFolder)/pg_ctl") ? realFolder : folder
        guard let version = Self.majorVersion(of: "\(folder)/postgres") else { return nil }
        self.majorVersion = version
    }

    private func isUsable(_ requiredMajorVersion: Int?) -> Bool {
        requiredMajorVersion.map { $0 == majorVersion } ?? (majorVersion >= Self.minimumMajorVersion)
    }

    private static func debianFolders() -> [String] {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        return versions.sorted(by: >).map { "\(root)/\($0)/bin" }
    }

    /// Asks the program itself: a version in a path may be anything.
    private static func majorVersion(of postgres: String) -> Int? {
        guard let output = try? ChildProcess.runBlocking([postgres, "--version"]) else { return nil }
        let digits = output.drop { !$0.isNumber }.prefix { $0.isNumber }
        return Int(digits)
    }
}
