import ArgumentParser
import Benchmarking
import Demo
import Foundation
import Ledger
import LocalCluster
import Operations
import Registry
import Runs

/// Measures.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract:
            "Measure the ledger, the service over HTTP or the console, on a private PostgreSQL that is removed after.",
        discussion: """
            Works in .runledger/bench with fsync and synchronous_commit on, whatever RUNLEDGER_DATABASE_URL says.

            Examples:
              runledger bench ledger
              runledger bench ledger --concurrency 256 --seconds 20 --json
              runledger bench http --concurrency 64 --json
              runledger bench console --events 1000000
            """,
        subcommands: [BenchLedgerCommand.self, BenchHTTPCommand.self, BenchConsoleCommand.self]
    )
}

/// A private database that lives as long as a benchmark.
struct BenchDatabase {
    let database: LedgerDatabase

    /// Makes an empty cluster, and removes it whatever happens.
    static func with<Value>(_ body: (BenchDatabase) async throws -> Value) async throws -> Value {
        let database = LedgerDatabase(folder: LedgerDatabase().folder + "/bench")
        try await database.cluster?.remove()
        try database.makeFolder()
        do {
            _ = try await database.startIfPrivate()
            let value = try await body(BenchDatabase(database: database))
            try await database.cluster?.remove()
            return value
        } catch {
            try? await database.cluster?.remove()
            throw error
        }
    }
}

/// The service over HTTP, with the provider simulator behind it.
struct BenchHTTPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http",
        abstract: "Runs a second of the whole service: HTTP, ledger, a provider without latency, and back.",
        discussion: """
            With --async each request is answered before its run has ended (202), and the runs go on behind: the answer \
            must come within 500 ms at the 99th percentile.
            """
    )
    @Option(help: "How long to run, in seconds.", transform: BenchParse.seconds)
    var seconds = 10
    @Option(help: "Requests under way at any time.", transform: BenchParse.concurrency)
    var concurrency = 256
    @Flag(name: .customLong("async"), help: "Measure the answers to asynchronous requests.")
    var isAsync = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        // A line of log a request would be measured too.
        setenv("RUNLEDGER_LOG_LEVEL", "warning", 0)
        let report = try await BenchDatabase.with { bench in
            let stack = try await LocalStack.start(bench.database, port: 0, keepsDatabase: false) { _ in }
            do {
                let report = try await measure(stack, bench.database)
                await stack.stop()
                return report
            } catch {
                await stack.stop()
                throw error
            }
        }
        let latencies = report.latency.milliseconds(atPercentiles: [50, 99])
        let json: JSONValue = .object([
            "runsPerSecond": .number(report.runsPerSecond), "runs": .integer(Int64(report.runs)),
            "failures": .integer(Int64(report.failures)), "p50Milliseconds": .number(latencies[0]),
            "p99Milliseconds": .number(latencies[1]), "concurrency": .integer(Int64(concurrency)),
            "seconds": .number(report.seconds),
        ])
        let facts: [(name: String, value: String)] = [
            (isAsync ? "submits/s" : "runs/s", Numbers.grouped(Int(report.runsPerSecond))),
            ("latency", "p50 \(BenchText.decimal(latencies[0])) ms, p99 \(BenchText.decimal(latencies[1])) ms"),
            ("requests", "\(Numbers.grouped(report.runs)) succeeded, \(Numbers.grouped(report.failures)) failed"),
            ("load", "\(concurrency) under way for \(seconds) s, a new execution each"), ("machine", BenchText.machine),
        ]
        output.show(facts, json)
        let isSlow = isAsync && latencies[1] >= 500
        if report.failures > 0 || isSlow { throw ExitCode(OperationError.Kind.negative.rawValue) }
    }

    private func measure(_ stack: LocalStack, _ database: LedgerDatabase) async throws -> HTTPBenchmark.Report {
        let key = try await LedgerSetup(database).withLedger(sessions: 1) { connection in
            let desk = AccountDesk(connection)
            // No window counts an Enterprise account, so the load is not refused.
            let account = try await desk.openAccount(tier: .enterprise)
            _ = try await desk.addCredits(Credits(whole: 1_000_000_000), to: account, kind: .topUp)
            let every = [try OperatorText.capability("model:run")]
            return try await desk.issueKey(to: account, name: "bench", capabilities: every).text
        }
        let path = isAsync ? "/api/models/gpt-image-2/run?async=true" : "/api/models/gpt-5-4-mini/run"
        let url = stack.service.url + path
        let body = #"{"inputs":{"prompt":"Say yes."}}"#
        func benchmark(_ duration: Duration) -> HTTPBenchmark {
            HTTPBenchmark(
                url: url,
                key: key,
                body: body,
                concurrency: concurrency,
                duration: duration,
                isAsync: isAsync
            )
        }
        Terminal.error.passing("warming up")
        _ = try await benchmark(.seconds(1)).run()
        Terminal.error.passing("measuring for \(seconds) s")
        let report = try await benchmark(.seconds(seconds)).run()
        Terminal.error.clearPassing()
        return report
    }
}

/// The transforms of a benchmark's arguments.
enum BenchParse {
    static func seconds(_ text: String) throws -> Int { try number(text, 1...300, "seconds") }

    static func concurrency(_ text: String) throws -> Int { try number(text, 1...16_384, "concurrent requests") }

    static func events(_ text: String) throws -> Int { try number(text, 10_000...100_000_000, "events") }

    static func requests(_ text: String) throws -> Int { try number(text, 10...10_000, "requests") }

    static func accounts(_ text: String) throws -> Int { try number(text, 1...100_000, "accounts") }

    static func journals(_ text: String) throws -> Int16 { Int16(try number(text, 1...4_096, "journals")) }

    static func sessions(_ text: String) throws -> Int { try number(text, 1...64, "sessions") }

    static func tier(_ text: String) throws -> Tier {
        guard let tier = Tier(rawValue: text), [.business, .enterprise].contains(tier) else {
            throw ValidationError("it takes business or enterprise: accounts of other plans run no models.")
        }
        return tier
    }

    private static func number(_ text: String, _ range: ClosedRange<Int>, _ unit: String) throws -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw ValidationError("it takes a whole number of \(unit) from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }
}

/// Words of a benchmark's report.
enum BenchText {
    static func decimal(_ value: Double) -> String { String(format: "%.2f", value) }

    /// Cores, memory and processor of this machine.
    static var machine: String {
        let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = info.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = model?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
        let memory = ProcessInfo.processInfo.physicalMemory >> 30
        return "\(ProcessInfo.processInfo.activeProcessorCount) cores, \(memory) GiB, \(name)"
    }
}

extension JSONValue {
    /// A measured number with three decimals.
    static func number(_ value: Double) -> JSONValue { .decimal(String(format: "%.3f", value)) }
}
