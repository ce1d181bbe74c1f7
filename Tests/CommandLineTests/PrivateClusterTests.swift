import Foundation
import Glibc
import LocalCluster
import Registry
import TestSupport
import Testing

@Suite("The private PostgreSQL, up and demo", .serialized)
struct PrivateClusterTests {
    /// A folder of its own; what is still running in it afterwards is stopped and fails the test.
    private func withFolder(_ body: (String, Program) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let program = Program(folder: folder)
            do {
                try await body(folder, program)
            } catch {
                try await program("db", "stop")
                throw error
            }
            try await program("db", "stop")
            #expect(processes(of: folder) == [])
        }
    }

    @Test("it is started, named and stopped, and commands say when it is missing")
    func startsAndStops() async throws {
        try await withFolder { folder, program in
            try await program("db", "status").expect(1, "absent")
            try await program("verify").expect(69, "runledger init")
            try await program("init", "--journals", "2").expect(0, "2", folder)
            try await program("db", "status").expect(0, "running", folder)
            try await program("db", "start").expect(0, "was running already")
            try await program("verify").expect(0, "clean")
            try await program("db", "stop").expect(0, "stopped")
            try await program("db", "status").expect(1, "stopped", "runledger db start")
            try await program("verify").expect(69, "does not run", "runledger db start")
            try await program("db", "start", "--json").expect(0)
            try await program("verify").expect(0, "clean")
        }
        try await Program(url: "postgresql://127.0.0.1:1/x")("db", "start").expect(64, "RUNLEDGER_DATABASE_URL")
    }

    @Test("up prints curl lines that work, stops on a signal, and goes on with the same key and ledger")
    func staysUp() async throws {
        try await withFolder { folder, program in
            var keys: [String] = []
            for round in 1...2 {
                let up = try start("up", in: folder, program, log: "up-\(round)")
                try await up.waitForLine(containing: "Ctrl-C stops everything", timeout: .seconds(120))
                let lines = up.log.split(separator: "\n").map(String.init)
                let commands = lines.indices.filter { lines[$0].hasPrefix("curl ") }.map { first in
                    let last = lines[first...].firstIndex { !$0.hasSuffix("\\") } ?? first
                    return lines[first...last].joined(separator: "\n") + " --silent --show-error"
                }
                try #require(commands.count == 3)
                let curl = commands[0]
                keys.append(
                    try #require(curl.split(separator: "'").first { $0.contains("knouds_live_") }.map(String.init))
                )
                let answer = try await shell(curl)
                #expect(answer.contains(#""success":true"#), "\(answer)")
                #expect(answer.contains(#""cost":1"#), "\(answer)")
                let accepted = try JSONValue(text: try await shell(commands[1]))
                #expect(accepted["status"] == "processing", "\(accepted)")
                let id = try #require(accepted["executionId"]?.stringValue, "\(accepted)")
                let ended = try await shell(commands[2].replacingOccurrences(of: "EXECUTION_ID", with: id))
                #expect(ended.contains(#""status":"completed""#) && ended.contains(#""cost":5"#), "\(ended)")
                #expect(ended.contains(#"["\#(url(of: curl))/media/"#), "\(ended)")
                #expect(await up.stop(SIGINT) == .exited(code: 0), "\(up.log)")
                #expect(processes(of: folder) == [])
            }
            #expect(keys.count == 2 && keys[0] == keys[1])
            let mode =
                try FileManager.default.attributesOfItem(atPath: "\(folder)/demo-key")[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
            try await program("db", "start").expect(0)
            try await program("verify").expect(0, "clean", "balance 9988")
        }
    }

    @Test("what up has started does not outlive it when it is killed")
    func diesWithItsStarter() async throws {
        try await withFolder { folder, program in
            let up = try start("up", in: folder, program, log: "up")
            try await up.waitForLine(containing: "Ctrl-C stops everything", timeout: .seconds(120))
            #expect(processes(of: folder).contains { $0.contains("serve") })
            await up.stop(SIGKILL)
            for _ in 0..<200
            where processes(of: folder).contains(where: { $0.contains("serve") || $0.contains("simulator") }) {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(!processes(of: folder).contains { $0.contains("serve") || $0.contains("simulator") })
        }
    }

    @Test("the demo ends by itself with exit code 0, twice in a row, and leaves no process")
    func tellsTheStory() async throws {
        try await withFolder { folder, program in
            for _ in 1...2 {
                try await program("demo").expect(
                    0,
                    "X-RateLimit-Remaining",
                    "Anthropic's stream",
                    "/media/…/0.mp4  video/mp4",
                    "execution.completed",
                    "✓ X-Knouds-Signature",
                    "✓ webhook-signature",
                    "execution.cancelled",
                    "grant_exhausted",
                    "RATE_LIMIT_EXCEEDED",
                    "EXECUTION_FAILED",
                    "execution.unresolved",
                    "none twice",
                    "nothing is left running"
                )
                #expect(processes(of: folder) == [])
            }
        }
    }

    @Test(
        "a demo that is interrupted leaves no process either",
        arguments: ["Paid by the grant", "Accepted: the credits are on hold"]
    )
    func canBeInterrupted(line: String) async throws {
        try await withFolder { folder, program in
            let demo = try start("demo", in: folder, program, log: "demo")
            try await demo.waitForLine(containing: line, timeout: .seconds(120))
            #expect(await demo.stop(SIGINT) == .exited(code: 130), "\(demo.log)")
            #expect(processes(of: folder) == [])
        }
    }

    private func start(_ command: String, in folder: String, _ program: Program, log: String) throws -> ServiceProcess {
        try ServiceProcess(
            ["sh", "-c", #"cd "$0" && exec "$@""#, Program.sources, Program.path, command],
            environment: program.environment,
            logPath: "\(folder)/\(log).log"
        )
    }

    /// Where a command's request goes.
    private func url(of curl: String) -> String {
        let address = curl.split(separator: " ").first { $0.hasPrefix("http") } ?? ""
        return address.split(separator: "/").prefix(2).joined(separator: "//")
    }

    private func shell(_ command: String) async throws -> String {
        try await ChildProcess.run(["sh", "-c", command]).output
    }
}
