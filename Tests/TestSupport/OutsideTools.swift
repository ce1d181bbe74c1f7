import Foundation
import LocalCluster

/// Programs of others that check the log: `Tests/OutsideTests`. `outside.go` is compiled once.
public struct OutsideTools: Sendable {
    private let program: String
    private let interpreter: String
    private static let folder = "\(PythonTools.sources)/Tests/OutsideTests"

    private static let built = Task { () throws -> OutsideTools in
        let sources = PythonTools.sources
        let (exit, output) = try await ChildProcess.run(["\(sources)/scripts/setup", "go"])
        guard exit == .exited(code: 0) else { throw PythonTools.SetupFailed(description: output) }
        let program = "\(sources)/.build/tools/outside-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(
            atPath: "\(sources)/.build/tools/go-cache",
            withIntermediateDirectories: true
        )
        let (compiled, words) = try await ChildProcess.run(
            ["go", "build", "-o", program, "\(folder)/outside.go"],
            environment: ProcessInfo.processInfo.environment.merging([
                "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": "\(sources)/.build/tools/go-cache",
                "GOFLAGS": "",
            ]) { $1 }
        )
        guard compiled == .exited(code: 0) else { throw PythonTools.SetupFailed(description: words) }
        return OutsideTools(program: program, interpreter: try await PythonTools.interpreter())
    }

    /// Compiles and installs what is not there.
    public static func make() async throws -> OutsideTools { try await built.value }

    /// Runs the one in Go, with `golang.org/x/mod/sumdb`.
    public func go(_ arguments: [String]) async throws -> (isGood: Bool, text: String) {
        try await run([program] + arguments)
    }

    /// Runs the one in Python, with pymerkle and cryptography.
    public func python(_ arguments: [String]) async throws -> (isGood: Bool, text: String) {
        try await run([interpreter, "\(Self.folder)/outside.py"] + arguments)
    }

    private func run(_ command: [String]) async throws -> (isGood: Bool, text: String) {
        let (exit, output) = try await ChildProcess.run(command)
        return (exit == .exited(code: 0), output)
    }
}
