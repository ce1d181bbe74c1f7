import Foundation
import LocalCluster
import Registry
import TestSupport
import Testing

/// The executable that was built with the tests, on the running test's database.
enum Programs {
    /// Runs a command to its end.
    static func run(_ arguments: [String]) async throws -> (exitCode: Int32?, output: String) {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("runledger").path
        var environment = ProcessInfo.processInfo.environment
        environment["RUNLEDGER_DATABASE_URL"] = TestDatabase.url
        let result = try await ChildProcess.run([path] + arguments, environment: environment)
        guard case .exited(let code) = result.exit else { return (nil, result.output) }
        return (code, result.output)
    }

    /// What a command prints as JSON.
    static func json(_ arguments: [String]) async throws -> JSONValue {
        let result = try await run(arguments + ["--json"])
        #expect(result.exitCode == 0, "\(arguments): \(result.output)")
        return try JSONValue(text: result.output)
    }
}
