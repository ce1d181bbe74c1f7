import App
import ArgumentParser
import Benchmarking
import Ledger
import LedgerStore
import Operations
import Registry

/// The ledger alone: admit and settle, full events, both commits durable.
struct BenchLedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Runs a second of the ledger alone, the latency of a lone run, and pgbench TPC-B beside them.",
        discussion: """
            A run is an admission and a settlement, six events, each commit durable before the next step. The accounts are
            on the Business plan, so every run passes the limiter too. The ledger is verified afterwards.
            """
    )
    @Option(help: "How long to run, in seconds.", transform: BenchParse.seconds)
    var seconds = 10
    @Option(help: "Runs under way at any time.", transform: BenchParse.concurrency)
    var concurrency = 1_024
    @Option(help: "Accounts that share the load; each may run 1,000 times a minute.", transform: BenchParse.accounts)
    var accounts = 300
    @Option(help: "The accounts' plan, business or enterprise: only the first is limited.", transform: BenchParse.tier)
    var tier: Tier = .business
    @Option(help: "Journals of the ledger.", transform: BenchParse.journals)
    var journals: Int16 = 4
    @Option(help: "Connections of the writers.", transform: BenchParse.sessions)
    var sessions = 3
    @Flag(help: "Leave out pgbench.")
    var skipPgbench = false
    @OptionGroup var output: OutputOptions

    /// Everything that is measured.
    private struct Result {
        var load = LedgerBenchmark.Report()
        var batches = BatchStatistics.Totals()
        var lone = LedgerBenchmark.Report()
        var transactionsPerSecond: Double?
        var verification = VerificationReport()
    }

    func run() async throws {
        let result = try await BenchDatabase.with { bench in
            Terminal.error.passing("preparing the ledger")
            _ = try await LedgerSetup(bench.database).initialize(journalCount: journals)
            if let cluster = bench.database.cluster {
                Terminal.error.passing("warming up the server's log")
                try await LogWarmUp.run(on: cluster)
            }
            var result = try await measure(bench.database)
            if !skipPgbench, let cluster = bench.database.cluster {
                Terminal.error.passing("pgbench TPC-B for 5 s")
                result.transactionsPerSecond = try await TPCBComparison.run(on: cluster, seconds: 5)
            }
            Terminal.error.clearPassing()
            return result
        }
        output.show(facts(result), json(result))
        guard result.verification.isClean, result.load.refused == 0 else {
            throw OperationError(
                .negative,
                "\(result.load.refused) runs were refused\(result.load.firstRefusal.map { " (\($0))" } ?? ""); the ledger is "
                    + (result.verification.findings.first.map { "damaged: \($0)" } ?? "clean") + ".",
                advice: "Give the load more --accounts or fewer --seconds: each account may run 1,000 times a minute."
            )
        }
    }

    private func measure(_ database: LedgerDatabase) async throws -> Result {
        let statistics = BatchStatistics()
        var options = LedgerStore.Options()
        options.observer = statistics
        let connection = try await LedgerConnection.open(
            databaseURL: database.url,
            sessions: sessions,
            options: options
        )
        var result = Result()
        do {
            let clock: @Sendable () -> Timestamp = { SystemClock.now() }
            func benchmark(_ inFlight: Int, _ seconds: Int) -> LedgerBenchmark {
                LedgerBenchmark(
                    inFlight: inFlight,
                    duration: .seconds(seconds),
                    accountCount: accounts,
                    tier: tier
                )
            }
            let tenants = try await benchmark(1, 1).openAccounts(in: connection.store, clock: clock)
            Terminal.error.passing("one run at a time for 2 s")
            result.lone = try await benchmark(1, 2).run(connection.store, tenants: tenants, clock: clock)
            Terminal.error.passing("\(concurrency) runs at a time for \(seconds) s")
            _ = statistics.take()
            result.load = try await benchmark(concurrency, seconds)
                .run(connection.store, tenants: tenants, clock: clock)
            result.batches = statistics.take()
            result.verification = try await connection.store.verify { count in
                Terminal.error.passing("verifying: \(Numbers.count(count, "event"))")
            }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        return result
    }

    private func facts(_ result: Result) -> [(name: String, value: String)] {
        let load = result.load.run.milliseconds(atPercentiles: [50, 99])
        let lone = result.lone.run.milliseconds(atPercentiles: [50, 99])
        let events = Double(result.batches.events) / result.load.seconds
        var facts: [(name: String, value: String)] = [
            ("runs/s", "\(Numbers.grouped(Int(result.load.runsPerSecond))) with \(concurrency) under way"),
            ("events/s", Numbers.grouped(Int(events))),
            ("both commits", "p50 \(BenchText.decimal(load[0])) ms, p99 \(BenchText.decimal(load[1])) ms"),
            ("a lone run", "p50 \(BenchText.decimal(lone[0])) ms, p99 \(BenchText.decimal(lone[1])) ms, both commits"),
            (
                "batches",
                "\(Numbers.grouped(result.batches.batches)), \(BenchText.decimal(result.batches.meanCommands)) commands "
                    + "on average, \(result.batches.largest) at most"
            ),
        ]
        if let rate = result.transactionsPerSecond {
            let ratio = BenchText.decimal(result.load.runsPerSecond / rate)
            facts.append(("pgbench TPC-B", "\(Numbers.grouped(Int(rate))) transactions/s, 16 clients; ratio \(ratio)"))
        }
        facts.append(
            ("ledger", "\(journals) journals, \(accounts) accounts, \(sessions) connections, fsync and commits on")
        )
        let state = result.verification.isClean ? "clean" : "damaged"
        facts.append(("verified", "\(state), \(Numbers.count(result.verification.events, "event"))"))
        facts.append(("machine", BenchText.machine))
        return facts
    }

    private func json(_ result: Result) -> JSONValue {
        let load = result.load.run.milliseconds(atPercentiles: [50, 99])
        let lone = result.lone.run.milliseconds(atPercentiles: [50, 99])
        var members: [String: JSONValue] = [
            "runsPerSecond": .number(result.load.runsPerSecond),
            "eventsPerSecond": .number(Double(result.batches.events) / result.load.seconds),
            "p50Milliseconds": .number(load[0]), "p99Milliseconds": .number(load[1]),
            "loneP50Milliseconds": .number(lone[0]), "loneP99Milliseconds": .number(lone[1]),
            "meanBatchCommands": .number(result.batches.meanCommands),
            "largestBatchCommands": .integer(Int64(result.batches.largest)),
            "refused": .integer(Int64(result.load.refused)), "isClean": .bool(result.verification.isClean),
            "concurrency": .integer(Int64(concurrency)), "journals": .integer(Int64(journals)),
            "accounts": .integer(Int64(accounts)), "machine": .string(BenchText.machine),
        ]
        if let rate = result.transactionsPerSecond {
            members["pgbenchTransactionsPerSecond"] = .number(rate)
            members["ratio"] = .number(result.load.runsPerSecond / rate)
        }
        return .object(members)
    }
}
