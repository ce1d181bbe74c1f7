import Foundation
import ProviderSimulator
import Testing

/// The vendors' own clients take the simulator for the vendor.
@Suite("vendors' clients")
struct ClientTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    private static let root = folder.deletingLastPathComponent().deletingLastPathComponent()

    @Test(
        "a vendor's own client",
        arguments: [
            ("anthropic_sdk", 60), ("openai_sdk", 80), ("fal_sdk", 75), ("replicate_sdk", 55), ("stripe_sdk", 55),
        ]
    )
    func client(script: String, minimumChecks: Int) async throws {
        let setUp = try await Self.run("/usr/bin/env", ["bash", "\(Self.root.path)/scripts/setup", "python"])
        try #require(setUp.code == 0, "\(setUp.output)")
        try await LiveSimulator.run { simulator async throws in
            let outcome = try await Self.run(
                "\(Self.root.path)/.build/venv/bin/python",
                ["\(Self.folder.path)/sdk/\(script).py", simulator.url]
            )
            #expect(outcome.code == 0, "\(outcome.output)")
            let last = outcome.output.split(separator: "\n").last ?? ""
            let checks = last.hasPrefix("checks: ") ? Int(last.dropFirst(8)) : nil
            #expect((checks ?? 0) >= minimumChecks, "\(outcome.output)")
        }
    }

    private struct Outcome: Sendable {
        let code: Int32
        let output: String
    }

    private static func run(_ program: String, _ arguments: [String]) async throws -> Outcome {
        let log = FileManager.default.temporaryDirectory.appending(path: "client-\(UUID()).log")
        try Data().write(to: log)
        defer { try? FileManager.default.removeItem(at: log) }
        let handle = try FileHandle(forWritingTo: log)
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.lowercased().hasSuffix("_proxy") || $0.key.lowercased() != "http_proxy" }
            .merging(["PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "127.0.0.1"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        let code: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        try handle.close()
        return Outcome(code: code, output: try String(contentsOf: log, encoding: .utf8))
    }
}
