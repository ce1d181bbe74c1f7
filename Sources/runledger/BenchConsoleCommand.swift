import Administration
import App
import ArgumentParser
import Benchmarking
import Demo
import Foundation
import Ledger
import LedgerStore
import LocalCluster
import Operations
import Reconciliation
import Registry

/// The console's pages on a large ledger.
struct BenchConsoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "The time of every page of the console on a ledger of a million events.",
        discussion: """
            Half of the events are those of one account. Each page is asked for again and again, one request at a time, \
            with the service's own audit running beside; the first request of each page is told apart. Ends with code 1 \
            when a page takes 200 ms or more at the 99th percentile.
            """
    )
    @Option(help: "Events of the ledger.", transform: BenchParse.events)
    var events: Int = 1_000_000
    @Option(help: "Requests for each page.", transform: BenchParse.requests)
    var requests = 200
    @OptionGroup var output: OutputOptions

    /// Milliseconds that a page may take at the 99th percentile.
    private static let limit = 200.0

    /// A page with what it took in milliseconds.
    private struct Line {
        let result: ConsoleBenchmark.Result
        let p50: Double
        let p99: Double
    }

    func run() async throws {
        setenv("RUNLEDGER_LOG_LEVEL", "warning", 0)
        let (lines, count) = try await BenchDatabase.with { bench in try await measure(bench.database) }
        Terminal.error.clearPassing()
        let worst = lines.map(\.p99).max() ?? 0
        output.show(facts(lines, count, worst), json(lines, count, worst))
        if worst >= Self.limit { throw ExitCode(OperationError.Kind.negative.rawValue) }
    }

    private func measure(_ database: LedgerDatabase) async throws -> ([Line], Int64) {
        let token = "bench-console-" + String(repeating: "t", count: 32)
        let settings = [
            "RUNLEDGER_CONSOLE_SECRET": String(repeating: "bench-console-", count: 3), "RUNLEDGER_ADMIN_TOKEN": token,
        ]
        let stack = try await LocalStack.start(
            database,
            port: 0,
            serviceSettings: settings,
            keepsDatabase: false
        ) { _ in }
        let benchmark = ConsoleBenchmark(url: stack.service.url)
        do {
            let (account, invoice, count) = try await fill(database)
            _ = try await LocalCluster.psql("VACUUM ANALYZE", url: database.url)
            let cookie = try await benchmark.signIn(token)
            let pages = try await pages(account, invoice, benchmark, cookie)
            var lines: [Line] = []
            for page in pages {
                Terminal.error.passing("\(page.name): \(requests) times")
                let result = try await benchmark.measure(page, requests: requests, cookie)
                let shares = result.latency.milliseconds(atPercentiles: [50, 99])
                lines.append(Line(result: result, p50: shares[0], p99: shares[1]))
            }
            await benchmark.close()
            await stack.stop()
            return (lines, count)
        } catch {
            await benchmark.close()
            await stack.stop()
            throw error
        }
    }

    /// Fills the ledger: half of it by one account, the rest by two hundred; and imports an invoice.
    private func fill(
        _ database: LedgerDatabase
    ) async throws -> (large: AccountID, invoice: InvoiceImportID, events: Int64) {
        let connection = try await LedgerConnection.open(databaseURL: database.url, sessions: 3)
        let store = connection.store
        let clock: @Sendable () -> Timestamp = { SystemClock.now() }
        do {
            var large: AccountID?
            for (accounts, share) in [(1, events / 2), (200, events)] {
                let load = LedgerBenchmark(
                    inFlight: 1_024,
                    duration: .seconds(1),
                    accountCount: accounts,
                    tier: .enterprise
                )
                let tenants = try await load.openAccounts(in: store, clock: clock)
                large = large ?? tenants.first?.account
                while case let count = try await Self.count(store), count < Int64(share) {
                    Terminal.error.passing("filling the ledger: \(Numbers.count(count, "event"))")
                    _ = try await load.run(store, tenants: tenants, clock: clock)
                }
            }
            Terminal.error.passing("importing an invoice of \(Numbers.count(Self.invoiceLines, "line"))")
            let invoice = try await Self.importInvoice(AccountDesk(connection))
            let count = try await Self.count(store)
            await connection.close()
            guard let large else { throw BenchmarkError.setup("no account was opened") }
            return (large, invoice, count)
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Lines of the invoice, all of them of requests that nobody here knows.
    private static let invoiceLines = 100_000

    private static func importInvoice(_ desk: AccountDesk) async throws -> InvoiceImportID {
        let mapping = (name: "bench.yaml", text: "columns: {request: id, day: day, amount: cost}")
        let order = try InvoiceOrder(provider: "bench", invoice: "bench", file: mapping, from: "2020-01")
        var intake = InvoiceIntake(order)
        try intake.take("id,day,cost\n".utf8)
        for line in 1...invoiceLines { try intake.take("request-\(line),2020-01-15,0.01\n".utf8) }
        let file = try intake.finish()
        let made = try await desk.administer { admin async throws(AdminFailure) in
            try await admin.importInvoice(file, order, desk.call())
        }
        return made.value.id
    }

    private static func count(_ store: LedgerStore) async throws -> Int64 {
        try await store.journalPositions().reduce(0) { $0 + $1.position }
    }

    private func pages(
        _ account: AccountID,
        _ invoice: InvoiceImportID,
        _ benchmark: ConsoleBenchmark,
        _ cookie: String
    ) async throws -> [ConsoleBenchmark.Page] {
        let address = "/console/accounts/\(account)"
        let text = try await benchmark.text(of: address, cookie)
        guard let run = text.firstMatch(of: /\/console\/runs\/([0-9a-f-]{36})/)?.1,
            let last = text.firstMatch(of: /name="at" type="number" min="1" max="([0-9]+)"/)?.1,
            let end = Int64(last), let second = text.firstMatch(of: /type="range" min="([0-9]+)"/)?.1
        else { throw BenchmarkError.setup("the account's page has no run and no slider") }
        let reports = [
            "revenue", "revenue?by=detail&price=0.01", "usage", "losses", "liabilities", "holds", "balances",
            "trial-balance", "months",
        ]
        return [
            .init("overview", "/console"), .init("accounts", "/console/accounts"),
            .init("accounts, by beginning of id", "/console/accounts?q=\("\(account)".prefix(8))"),
            .init("account", address), .init("account, half its life ago", "\(address)?at=\(end / 2)"),
            .init("account, by time", "\(address)?second=\((Int64(second) ?? 0) + 1)"),
            .init("account, deep in its timeline", "\(address)?up=\(end / 2)"), .init("run", "\(address)/runs/\(run)"),
            .init("reports", "/console/reports"),
        ] + reports.map { .init("report: \($0)", "/console/reports/\($0)") } + [
            .init("revenue as CSV", "/console/reports/revenue/revenue.csv"), .init("exports", "/console/exports"),
            .init("models", "/console/models"), .init("verification", "/console/verification"),
            .init("chain, 2,500 events", "/console/verification/chain?of=\(account)&from=\(end / 2)"),
            .init("log", "/console/log"), .init("invoices", "/console/reconciliation"),
            .init("invoice of 100,000 items", "/console/reconciliation/\(invoice)"),
            .init("invoice, deep in its open items", "/console/reconciliation/\(invoice)?state=open&after=90000"),
        ]
    }

    private func facts(_ lines: [Line], _ count: Int64, _ worst: Double) -> [(name: String, value: String)] {
        lines.map { line in
            let first = BenchText.decimal(line.result.firstMilliseconds)
            let times =
                "p50 \(BenchText.decimal(line.p50)) ms, p99 \(BenchText.decimal(line.p99)) ms, first \(first) ms"
            return (line.result.page.name, "\(times), \(Numbers.grouped(line.result.bytes / 1_024)) KiB")
        } + [
            ("worst p99", "\(BenchText.decimal(worst)) ms of \(Int(Self.limit)) ms"),
            ("ledger", "\(Numbers.count(count, "event")), half of them of one account; \(requests) requests a page"),
            ("machine", BenchText.machine),
        ]
    }

    private func json(_ lines: [Line], _ count: Int64, _ worst: Double) -> JSONValue {
        [
            "events": .integer(count), "requests": .integer(Int64(requests)), "worstP99Milliseconds": .number(worst),
            "machine": .string(BenchText.machine),
            "pages": .array(
                lines.map { line in
                    [
                        "page": .string(line.result.page.name), "p50Milliseconds": .number(line.p50),
                        "p99Milliseconds": .number(line.p99),
                        "firstMilliseconds": .number(line.result.firstMilliseconds),
                        "bytes": .integer(Int64(line.result.bytes)),
                    ]
                }
            ),
        ]
    }
}
