import LocalCluster

/// Prometheus' own checker.
public enum Promtool {
    private static let setup = Task { () throws -> String in
        let (exit, output) = try await ChildProcess.run(["\(PythonTools.sources)/scripts/setup", "promtool"])
        guard exit == .exited(code: 0) else { throw PythonTools.SetupFailed(description: output) }
        return "\(PythonTools.sources)/.build/tools/promtool"
    }

    /// Runs it; fetches it once if it is not there.
    ///
    /// - Returns: whether it found nothing bad, and what it said on both streams.
    public static func run(_ arguments: [String], input: String? = nil) async throws -> (isGood: Bool, output: String) {
        let (exit, output) = try await ChildProcess.run([try await setup.value] + arguments, input: input)
        return (exit == .exited(code: 0), output)
    }
}
