import Foundation
import LocalCluster
import TestSupport

/// A report of `sql/reports`, as finance runs it.
enum Report {
    /// Runs it with psql alone, under finance's role, on the running test's database.
    static func run(
        _ name: String,
        _ variables: [String],
        isCSV: Bool = false
    ) async throws -> (exit: ChildProcess.Exit, output: String) {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
        environment["PGOPTIONS"] = "-c role=runledger_finance"
        let file = "\(PythonTools.sources)/sql/reports/\(name).sql"
        let options = variables.flatMap { ["-v", $0] } + (isCSV ? ["--csv"] : [])
        let command = ["psql", "--no-psqlrc", TestDatabase.url] + options + ["-f", file]
        return try await ChildProcess.run(command, environment: environment)
    }
}
