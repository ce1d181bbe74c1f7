import App
import ArgumentParser
import Ledger
import LedgerStore
import Operations
import Registry

/// Checks the ledger.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check every journal and every projection. Exit code 1 when anything is wrong.",
        discussion: """
            Folds all events anew: positions and sequences without gap, hashes and chains, times, sums, journal heads, and \
            every row of every projection against the fold; what is kept of invoices against their events. Names the first bad thing of each journal. Reads beside live \
            traffic and changes nothing.
            """
    )
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let start = ContinuousClock.now
        let report = try await LedgerSetup(LedgerDatabase()).withLedger(sessions: 1) { connection in
            try await connection.store.verify { count in
                Terminal.error.passing("verifying: \(Numbers.count(count, "event"))")
            }
        }
        Terminal.error.clearPassing()
        output.show(.verification(report)) { terminal in
            for finding in report.findings {
                terminal.line("\(terminal.styled("damaged", .red, .bold))  \(finding) (\(finding.kind.rawValue))")
            }
            let extent = [
                Numbers.count(report.journals, "journal"), Numbers.count(report.events, "event"),
                Numbers.count(report.accounts, "account"),
            ].joined(separator: ", ")
            let time = terminal.styled("in \(Numbers.elapsed(.now - start))", .dim)
            guard report.isClean else {
                return terminal.line("\(Numbers.count(report.findings.count, "journal")) damaged, of \(extent) \(time)")
            }
            terminal.line("\(terminal.styled("clean", .green, .bold))  \(extent) \(time)")
            terminal.line(
                "       balance \(report.posted), held \(report.held), \(Numbers.count(report.openHolds, "open hold")), "
                    + "\(Numbers.count(report.unresolvedExecutions, "unresolved run"))"
            )
        }
        if !report.isClean { throw ExitCode(OperationError.Kind.negative.rawValue) }
    }
}

/// Tells an account's history.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Show an account's events up to now or to a point; or decide what was decided again.",
        discussion: """
            With --decisions, every recorded command, of one account or of all, is decided again from what its events \
            recorded; the same events must come of it. Exit code 1 when the rules give something else, with the event.

            Examples:
              runledger replay --account ACCOUNT
              runledger replay --account ACCOUNT --as-of 2027-01-31T23:59:59Z
              runledger replay --account ACCOUNT --sequence 12 --json
              runledger replay --account ACCOUNT --position 48211
              runledger replay --decisions
            """
    )
    @Option(help: "The account's id.", transform: Parse.account)
    var account: AccountID?
    @Flag(help: "Decide every recorded command again.")
    var decisions = false
    @OptionGroup var point: PointOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard decisions || account != nil else { throw ValidationError("Give --account, or --decisions.") }
        guard !decisions || point.end == .now else {
            throw ValidationError("--decisions decides everything again; it takes no point to stop at.")
        }
    }

    func run() async throws {
        if decisions {
            try await decideAgain(account)
        } else if let account {
            try await show(account)
        }
    }

    private func decideAgain(_ account: AccountID?) async throws {
        let report = try await LedgerSetup(LedgerDatabase()).withLedger(sessions: 1) { connection in
            if let account { _ = try await AccountDesk(connection).state(of: account) }
            return try await connection.store.replayDecisions(of: account) { count in
                Terminal.error.passing("deciding again: \(Numbers.count(count, "event"))")
            }
        }
        Terminal.error.clearPassing()
        output.show(.decisions(report)) { terminal in
            for finding in report.findings {
                terminal.line("\(terminal.styled("differs", .red, .bold))  \(finding)")
            }
            for (verdict, count) in report.verdicts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
                terminal.line("\(Numbers.grouped(count)) × \(verdict)")
            }
            let extent = "\(Numbers.count(report.commands, "command")), \(Numbers.count(report.events, "event"))"
            terminal.line(
                report.isClean
                    ? "\(terminal.styled("same", .green, .bold))  \(extent): every verdict was reached again"
                    : "\(Numbers.count(report.findings.count, "account")) differ, of \(extent)"
            )
        }
        if !report.isClean { throw ExitCode(OperationError.Kind.negative.rawValue) }
    }

    private func show(_ account: AccountID) async throws {
        let printer = HistoryPrinter(isJSON: output.json)
        let state = try await LedgerSetup(LedgerDatabase()).withLedger(sessions: 1) { connection in
            let state = try await connection.store.replay(account, to: point.end) { event, state in
                printer.show(HistoryEntry(event, after: state))
            }
            // Nothing by then, or nothing ever?
            if state.account == nil { _ = try await AccountDesk(connection).state(of: account) }
            return state
        }
        printer.finish(state)
    }
}

/// Prints events as they come, so that a long history needs no memory.
private final class HistoryPrinter {
    private let isJSON: Bool
    private let terminal = Terminal.output
    private let table = HistoryTable(terminal: .output)
    private var count = 0

    init(isJSON: Bool) { self.isJSON = isJSON }

    func show(_ entry: HistoryEntry) {
        if isJSON {
            terminal.text((count == 0 ? #"{"events":["# + "\n" : ",\n") + entry.json.description)
        } else {
            if count == 0 { terminal.line(table.heading) }
            terminal.line(table.row(entry))
        }
        count += 1
    }

    func finish(_ state: LedgerState) {
        if isJSON {
            let opening = count == 0 ? #"{"events":["# : ""
            return terminal.line(opening + "\n" + #"],"account":"# + JSONValue.account(state).description + "}")
        }
        guard let account = state.account else { return terminal.line("The account has no events by then.") }
        terminal.line(
            "\n\(Numbers.count(account.sequence, "event")). Balance \(account.posted), held \(account.held), "
                + "available \(account.available)."
        )
    }
}

/// Derives projections anew.
struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Derive the projections of one journal or of all anew from the events, and swap them in.",
        discussion: """
            Runs beside live traffic; a journal is locked only while its last events are folded and the rows are swapped. \
            Events that are damaged are refused, and then nothing has changed.
            """
    )
    @Option(help: "The journal's number, from 0 (default: all of them).")
    var journal: Int16?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let rebuilt = try await LedgerSetup(LedgerDatabase()).withLedger(sessions: 1) { connection in
            let store = connection.store
            if let journal, !(0..<store.journalCount).contains(journal) {
                throw OperationError(
                    .usage,
                    "There is no journal \(journal): the ledger's are 0 to \(store.journalCount - 1)."
                )
            }
            var rebuilt: [(journal: Int16, events: Int64)] = []
            for number in journal.map({ $0...$0 }) ?? 0...(store.journalCount - 1) {
                Terminal.error.passing("rebuilding journal \(number)")
                rebuilt.append((number, try await store.rebuild(JournalID(number))))
            }
            return rebuilt
        }
        Terminal.error.clearPassing()
        let journals = rebuilt.map { journal, events -> JSONValue in
            ["journal": .integer(Int64(journal)), "events": .integer(events)]
        }
        output.show(["journals": .array(journals)]) { terminal in
            for (journal, events) in rebuilt where events > 0 {
                terminal.line("journal \(journal): \(Numbers.count(events, "event")) folded")
            }
            let total = rebuilt.reduce(0) { $0 + $1.events }
            terminal.line("\(Numbers.count(rebuilt.count, "journal")) rebuilt from \(Numbers.count(total, "event")).")
        }
    }
}
