import Foundation
import LocalCluster

/// The Python of the tests, with the packages of `Tests/requirements.txt`.
public enum PythonTools {
    /// Setting up the packages failed.
    public struct SetupFailed: Error, CustomStringConvertible {
        /// What `scripts/setup`, or the script, said.
        public let description: String

        /// Makes an error.
        public init(description: String) { self.description = description }
    }

    /// The package's folder.
    public static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    private static let setup = Task { () throws -> String in
        let (exit, output) = try await ChildProcess.run(["\(sources)/scripts/setup", "python"])
        guard exit == .exited(code: 0) else { throw SetupFailed(description: output) }
        return "\(sources)/.build/venv/bin/python"
    }

    /// The interpreter's path; installs the packages once if they are not there.
    public static func interpreter() async throws -> String { try await setup.value }

    /// Runs a script to its end and returns what it printed on both streams; throws when it fails.
    ///
    /// - Parameters:
    ///   - script: the program.
    ///   - arguments: its arguments, from `sys.argv[1]`.
    ///   - input: text for its standard input.
    public static func run(_ script: String, _ arguments: [String] = [], input: String? = nil) async throws -> String {
        let (exit, output) = try await ChildProcess.run(
            [try await interpreter(), "-c", script] + arguments,
            input: input
        )
        guard exit == .exited(code: 0) else { throw SetupFailed(description: output) }
        return output
    }
}
