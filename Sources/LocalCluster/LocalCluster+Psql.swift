import Foundation

extension LocalCluster {
    /// Runs SQL with `psql` on any database, for administration; each statement commits by itself.
    ///
    /// - Parameters:
    ///   - sql: one or more statements, or commands of `psql`.
    ///   - url: a libpq connection URI.
    /// - Returns: the rows, without heading, a tab between columns.
    @discardableResult
    public static func psql(_ sql: String, url: String) async throws(LocalClusterError) -> String {
        let command = [
            psqlPath(), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--field-separator=\t",
            "--set=ON_ERROR_STOP=1", "--dbname=\(url)",
        ]
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
        // Notices would stand among the rows.
        environment["PGOPTIONS"] = "-c client_min_messages=warning"
        let result: (exit: ChildProcess.Exit, output: String)
        do {
            result = try await ChildProcess.run(command, environment: environment, input: sql)
        } catch {
            throw LocalClusterError(
                .notInstalled,
                "PostgreSQL's psql can't be run: \(error)",
                advice: "Install it with `apt-get install postgresql-client`."
            )
        }
        let output = result.output.trimmingCharacters(in: .whitespacesAndNewlines)
        guard result.exit == .exited(code: 0) else {
            throw LocalClusterError(
                .statementFailed,
                "psql ended with \(result.exit) on: \(sql.prefix(200))",
                advice: "See what it printed; if it found no server, start the cluster first.",
                logTail: output
            )
        }
        return output
    }

    /// Debian's psql in the search path is a script that takes ten times as long to start as the program itself.
    private static func psqlPath() -> String {
        guard let binaries = try? PostgresBinaries.find(requiredMajorVersion: nil) else { return "psql" }
        let path = binaries.path("psql")
        return FileManager.default.isExecutableFile(atPath: path) ? path : "psql"
    }
}
