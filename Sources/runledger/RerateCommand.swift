import ArgumentParser
import Foundation
import Ledger
import Operations
import Registry

/// Prices runs by another price book.
struct RerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rerate",
        abstract: "Price every run that succeeded by another price book, and show the difference.",
        discussion: """
            Examples:
              runledger rerate --models next-year/models
              runledger rerate --models next-year/models --schema plan_b --replace --json

            The ledger is read, and not changed. The runs by both books are in a schema of their own afterwards: tables and \
            views `runs`, `by_model`, `by_account`, `totals`. The database's login must be allowed to create schemas.
            """
    )
    @Option(help: "The folder of the models' definitions with the other prices.")
    var models: String
    @Option(help: "The folder of the providers' definitions (default: `providers` beside the models).")
    var providers: String?
    @Option(help: "The schema to fill.")
    var schema = "rerated"
    @Flag(help: "Replace an earlier rating of that name.")
    var replace = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report: Rerating.Report
        do {
            let book = try ModelRegistry.priceBook(
                folder: models,
                providersFolder: providers,
                variables: ProcessInfo.processInfo.environment
            )
            let rerating = try Rerating(book: book, schema: schema)
            let database = LedgerDatabase()
            report = try await LedgerSetup(database).withLedger(sessions: 1) { connection in
                try await rerating.run(over: connection, databaseURL: database.url, replaces: replace) { count in
                    Terminal.error.passing("pricing again: \(Numbers.count(count, "event"))")
                }
            }
        } catch {
            throw OperationError(error)
        }
        Terminal.error.clearPassing()
        output.show(json(report)) { show(report, on: $0) }
    }

    private func json(_ report: Rerating.Report) -> JSONValue {
        func sums(_ sums: Rerating.Sums, _ name: (key: String, value: JSONValue)? = nil) -> JSONValue {
            var members: [String: JSONValue] = [
                "runs": .integer(sums.runs), "unrated": .integer(sums.unrated), "charged": .credits(sums.charged),
                "rerated": .credits(sums.rerated), "difference": .credits(sums.difference),
            ]
            if let name { members[name.key] = name.value }
            return .object(members)
        }
        let models = report.models.sorted { $0.key < $1.key }
        let accounts = report.accounts.sorted { $0.key < $1.key }
        return [
            "schema": .string(schema), "total": sums(report.total),
            "models": .array(models.map { sums($0.value, ("model", .string($0.key))) }),
            "accounts": .array(accounts.map { sums($0.value, ("account", .string($0.key.description))) }),
            "problems": .object(report.problems.mapValues { .integer($0) }),
        ]
    }

    private func show(_ report: Rerating.Report, on terminal: Terminal) {
        func table(_ title: String, _ rows: [(String, Rerating.Sums)]) {
            let table = TextTable(
                [
                    .init(title, width: 36), .init("runs", width: 9, isRight: true),
                    .init("charged", width: 14, isRight: true), .init("other book", width: 14, isRight: true),
                    .init("difference", width: 14, isRight: true), .init("not priced", width: 10, isRight: true),
                ],
                terminal: terminal
            )
            terminal.line(table.heading)
            for (name, sums) in rows {
                let sign = sums.difference.isPositive ? "+" : ""
                terminal.line(
                    table.row([
                        .init(name), .init(Numbers.grouped(sums.runs)), .init("\(sums.charged)"),
                        .init("\(sums.rerated)"), .init("\(sign)\(sums.difference)"),
                        .init(Numbers.grouped(sums.unrated), sums.unrated > 0 ? .yellow : .dim),
                    ])
                )
            }
            terminal.line("")
        }
        table("model", report.models.sorted { $0.key < $1.key } + [("all", report.total)])
        let most = report.accounts.sorted {
            let (left, right) = ($0.value.difference.microcredits.magnitude, $1.value.difference.microcredits.magnitude)
            return left == right ? $0.key < $1.key : left > right
        }
        if !most.isEmpty { table("accounts that differ most", most.prefix(10).map { ("\($0.key)", $0.value) }) }
        for (problem, count) in report.problems.sorted(by: { $0.key < $1.key }) {
            terminal.line("\(Numbers.count(count, "run")) not priced: \(problem)")
        }
        terminal.line("Every run by both books: SELECT * FROM \(schema).runs")
    }
}
