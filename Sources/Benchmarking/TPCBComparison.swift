public import LocalCluster

/// The rate of `pgbench`'s TPC-B-like script on the same server, to compare with: each of its transactions is one commit
/// of five statements, where a run is two durable commits shared with everyone in the batch.
public enum TPCBComparison {
    /// Runs it at 16 clients with prepared statements, at scale 16, in a database of its own that is dropped after.
    ///
    /// - Parameters:
    ///   - cluster: the server.
    ///   - seconds: how long to run.
    /// - Returns: transactions per second, as `pgbench` reports them.
    public static func run(on cluster: LocalCluster, seconds: Int) async throws -> Double {
        let database = "runledger_pgbench"
        _ = try await cluster.psql("DROP DATABASE IF EXISTS \(database)")
        _ = try await cluster.psql("CREATE DATABASE \(database)")
        let url = cluster.connectionURL(database: database)
        let program = try PostgresBinaries.find(requiredMajorVersion: nil).path("pgbench")
        _ = try await output(of: [program, "--initialize", "--quiet", "--scale=16", url])
        _ = try await cluster.psql("CHECKPOINT")
        let text = try await output(
            of: [program, "--client=16", "--jobs=2", "--protocol=prepared", "--time=\(seconds)", url]
        )
        _ = try await cluster.psql("DROP DATABASE \(database)")
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
            let rate = line.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) })
        else { throw BenchmarkError.setup("pgbench printed no rate:\n\(text)") }
        return rate
    }

    private static func output(of command: [String]) async throws -> String {
        let (exit, output) = try await ChildProcess.run(command)
        guard exit == .exited(code: 0) else { throw BenchmarkError.setup("pgbench failed:\n\(output)") }
        return output
    }
}
