import Administration
import ArgumentParser
import Ledger
import Operations
import Registry

/// Months of the books.
struct PeriodCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "period",
        abstract: "Close months of the books, list and check those that are closed.",
        discussion: """
            A closed month is an event in each journal that freezes its positions, its running hash and what every account \
            of the books holds. Corrections belong to the month in which they are recorded.
            """,
        subcommands: [Close.self, List.self, Check.self]
    )

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a month that is over, in every journal. Again, it closes what a failure left open.",
            discussion: "Example: runledger period close 2027-01"
        )
        @Argument(help: "The month, such as 2027-01: the one after the last that is closed.", transform: Parse.month)
        var month: CalendarMonth
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let periods = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in
                    try await admin.closePeriod(month, desk.call())
                }
            }
            output.show(["periods": .array(periods.map(\.json))]) { terminal in
                PeriodCommand.show(periods, on: terminal)
                terminal.line("\n\(month) is closed.")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the months that are closed.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let periods = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in try await admin.periods() }
            }
            output.show(["periods": .array(periods.map(\.json))]) { terminal in
                if periods.isEmpty {
                    return terminal.line("No month is closed. Close one with: runledger period close MONTH")
                }
                PeriodCommand.show(periods, on: terminal)
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Work out anew what every closed month froze. Exit code 1 when anything differs."
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let findings = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in try await admin.checkPeriods() }
            }
            output.show([
                "clean": .bool(findings.isEmpty), "findings": .array(findings.map { .string($0.description) }),
            ]) { terminal in
                for finding in findings { terminal.line("\(terminal.styled("differs", .red, .bold))  \(finding)") }
                if findings.isEmpty { terminal.line("Every closed month is what its events say.") }
            }
            if !findings.isEmpty { throw ExitCode(OperationError.Kind.negative.rawValue) }
        }
    }

    fileprivate static func show(_ periods: [ClosedPeriod], on terminal: Terminal) {
        let table = TextTable(
            [
                .init("month", width: 7), .init("journal", width: 7, isRight: true),
                .init("through", width: 12, isRight: true), .init("closed", width: 23),
                .init("running hash", width: 64),
            ],
            terminal: terminal
        )
        terminal.line(table.heading)
        for period in periods {
            terminal.line(
                table.row([
                    .init("\(period.month)"), .init("\(period.journal)"), .init(Numbers.grouped(period.through)),
                    .init(AccountSheet.time(period.closedAt)), .init("\(period.headHash)"),
                ])
            )
        }
    }
}
