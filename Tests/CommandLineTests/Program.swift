import Foundation
import LocalCluster
import Registry
import TestSupport
import Testing

/// The executable that was built with the tests.
struct Program {
    /// How a command ended, and what it said.
    struct Result: CustomStringConvertible {
        let command: String
        let exitCode: Int32?
        let output: String
        let errors: String

        /// The output as JSON; fails the test when it is none.
        var json: JSONValue {
            get throws { try #require(try? JSONValue(text: output), "no JSON from \(self)") }
        }

        var description: String {
            "`runledger \(command)` (\(exitCode.map { "\($0)" } ?? "killed"))\n\(output)\n\(errors)"
        }
    }

    /// Added to this process's environment.
    var environment: [String: String]

    static let path = {
        let ownPath = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: ownPath).deletingLastPathComponent().appendingPathComponent("runledger").path
    }()

    /// With a database of a URL.
    init(url: String) { self.environment = ["RUNLEDGER_DATABASE_URL": url, "NO_COLOR": "1"] }

    /// With the private cluster of a folder.
    init(folder: String) {
        self.environment = ["RUNLEDGER_FOLDER": folder, "RUNLEDGER_DATABASE_URL": "", "NO_COLOR": "1"]
    }

    /// With the database of the running test.
    static var here: Program { Program(url: TestDatabase.url) }

    /// Runs a command to its end.
    @discardableResult
    func callAsFunction(_ arguments: String...) async throws -> Result { try await run(arguments) }

    func run(_ arguments: [String]) async throws -> Result {
        try await withTemporaryFolder { folder in
            let errors = "\(folder)/errors"
            let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            let result = try await ChildProcess.run(
                ["sh", "-c", #"cd "$0" && shift && exec "$@" 2> "$ERRORS""#, Self.sources, "-", Self.path] + arguments,
                environment: all.merging(["ERRORS": errors]) { $1 }
            )
            var exitCode: Int32?
            if case .exited(let code) = result.exit { exitCode = code }
            return Result(
                command: arguments.joined(separator: " "),
                exitCode: exitCode,
                output: result.output,
                errors: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
            )
        }
    }

    /// The package's folder, where `models` is.
    static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
}

extension Program.Result {
    /// Expects an exit code, and texts somewhere in what was said.
    @discardableResult
    func expect(
        _ code: Int32,
        _ texts: String...,
        location: SourceLocation = #_sourceLocation
    ) -> Program.Result {
        #expect(exitCode == code, "\(self)", sourceLocation: location)
        for text in texts {
            #expect((output + errors).contains(text), "`\(text)` is missing in \(self)", sourceLocation: location)
        }
        return self
    }
}

extension DatabaseTemplate {
    /// A ledger of four journals as `init` makes it.
    static let ledger = DatabaseTemplate(name: "ledger of the command line") { url in
        try await Program(url: url)("init", "--journals", "4").expect(0)
    }
}

/// Processes that have a folder in their environment: whatever a command with that folder has left behind.
func processes(of folder: String) -> [String] {
    let ids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { Int32($0) } ?? []
    return ids.compactMap { id in
        guard let data = FileManager.default.contents(atPath: "/proc/\(id)/environ"),
            data.split(separator: 0).contains(where: { String(decoding: $0, as: UTF8.self).hasSuffix("=\(folder)") }),
            ProcessTable.identity(of: id) != nil
        else { return nil }
        return ProcessTable.arguments(of: id)?.joined(separator: " ")
    }
}
