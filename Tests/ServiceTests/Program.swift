import Foundation
import Glibc
import LocalCluster
import TestSupport
import Testing

/// The executable that was built with the tests.
enum Program {
    static let path = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("runledger").path
    }()

    /// The package's folder, where `models` is.
    static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Copies the definitions that are shipped, to be changed.
    ///
    /// - Parameters:
    ///   - folder: gets `models` and `providers`.
    ///   - pollMilliseconds: the pause before each question about a job; nil for what each vendor is given.
    /// - Returns: the folder of the models.
    static func copyDefinitions(to folder: String, pollMilliseconds: Int? = nil) throws -> String {
        for name in ["models", "providers"] {
            let copy = "\(folder)/\(name)"
            try FileManager.default.copyItem(atPath: "\(sources)/\(name)", toPath: copy)
            guard let pollMilliseconds else { continue }
            let pauses = /(first|interval|ceiling)Milliseconds: [0-9]+/
            for file in try FileManager.default.contentsOfDirectory(atPath: copy) {
                let text = try String(contentsOfFile: "\(copy)/\(file)", encoding: .utf8)
                try text.replacing(pauses) { "\($0.1)Milliseconds: \(pollMilliseconds)" }
                    .write(toFile: "\(copy)/\(file)", atomically: true, encoding: .utf8)
            }
        }
        return "\(folder)/models"
    }

    /// How a command ended, and what it said on both streams.
    struct Result {
        let command: String
        let exit: ChildProcess.Exit
        let output: String

        /// Fails the test unless the exit code is 0.
        @discardableResult
        func expectSuccess(location: SourceLocation = #_sourceLocation) throws -> Result {
            try #require(exit == .exited(code: 0), "runledger \(command): \(output)", sourceLocation: location)
            return self
        }
    }

    /// Runs a command to its end.
    static func run(
        _ arguments: [String],
        databaseURL: String,
        environment: [String: String] = [:]
    ) async throws -> Result {
        let settings = environment.merging(["RUNLEDGER_DATABASE_URL": databaseURL]) { $1 }
        let (exit, output) = try await ChildProcess.run(
            [path] + arguments,
            environment: ProcessInfo.processInfo.environment.merging(settings) { $1 }
        )
        return Result(command: arguments.joined(separator: " "), exit: exit, output: output)
    }

    /// The end of a pipe that ends with this process, however it ends: then the programs that read it end too.
    static let lifeline: Int32 = {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { fatalError("no pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return ends[0]
    }()

    /// Starts a program that goes on until it is told to stop.
    static func start(
        _ arguments: [String],
        databaseURL: String,
        environment: [String: String] = [:],
        logPath: String
    ) throws -> ServiceProcess {
        try ServiceProcess(
            [path] + arguments + ["--until-input-ends"],
            environment: environment.merging(["RUNLEDGER_DATABASE_URL": databaseURL]) { $1 },
            input: lifeline,
            logPath: logPath
        )
    }

    /// The port that a program says it listens on.
    static func port(of process: ServiceProcess) async throws -> Int {
        let line = try await process.waitForLine(containing: "listening")
        let port = try #require(line.firstMatch(of: /"port":"?(\d+)/), "\(line)")
        return try #require(Int(port.1))
    }
}
