import ArgumentParser
import Ledger
import Operations
import Registry
import Runs

/// The runs of an account.
struct UsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "List an account's runs, the latest first, with what they cost.",
        discussion: """
            Examples:
              runledger usage ACCOUNT --status failed
              runledger usage ACCOUNT --model nano-banana-2 --limit 500 --json
            """
    )
    @Argument(help: "The account's id.", transform: Parse.account)
    var account: AccountID
    @Option(help: "Only runs that have come so far.")
    var status: UsageStatus?
    @Option(help: "Only runs of a model, by its internal name.", transform: Parse.model)
    var model: String?
    @Option(help: "Only runs of a workflow, by its slug.", transform: Parse.model)
    var workflow: String?
    @Option(help: "Runs to list, 1 to 500.", transform: Parse.limit)
    var limit = 50
    @Option(help: "Runs to pass over.", transform: Parse.offset)
    var offset = 0
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var query = UsageQuery()
        query.status = status
        query.model = model
        query.workflowSlug = workflow
        query.limit = limit
        query.offset = offset
        let asked = query
        let page = try await withDesk { try await $0.usage(of: account, asked) }
        output.show(
            [
                "account": .string(account.description), "total": .integer(page.total),
                "offset": .integer(Int64(offset)), "runs": .array(page.runs.map(JSONValue.usage)),
            ]
        ) { terminal in Self.show(page, offset, on: terminal) }
    }

    private static func show(_ page: UsagePage, _ offset: Int, on terminal: Terminal) {
        let table = TextTable(
            [
                .init("admitted", width: 23), .init("model", width: 24), .init("status", width: 10),
                .init("credits", width: 12, isRight: true), .init("provider USD", width: 12, isRight: true),
                .init("ms", width: 8, isRight: true), .init("error", width: 20),
            ],
            terminal: terminal
        )
        terminal.line(table.heading)
        for run in page.runs {
            terminal.line(
                table.row([
                    .init(AccountSheet.time(run.admittedAt)), .init(run.model),
                    .init(UsageStatus(run.status).rawValue), .init("\(run.charged)"),
                    .init(run.providerCost.map { "\($0)" } ?? ""),
                    .init(run.durationMilliseconds.map(Numbers.grouped) ?? ""), .init(run.errorCode ?? ""),
                ])
            )
        }
        let rows = page.runs.isEmpty ? "none" : "\(offset + 1) to \(offset + page.runs.count)"
        terminal.line("\n\(rows) of \(Numbers.count(page.total, "run"))")
    }
}
