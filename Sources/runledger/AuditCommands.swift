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
            every row of every projection against the fold. Names the first bad thing of each journal. Reads beside live \
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
        abstract: "Show an account's events with balance and holds after each, up to now or to a point.",
        discussion: """
            Examples:
              runledger replay --account ACCOUNT
              runledger replay --account ACCOUNT --as-of 2027-01-31T23:59:59Z
              runledger replay --account ACCOUNT --sequence 12 --json
            """
    )
    @Option(help: "The account's id.", transform: Parse.account)
    var account: AccountID
    @Option(
        help: "Stop at the last event recorded by then: 2027-01-31T12:00:00Z, or a date for its first moment.",
        transform: Parse.moment
    )
    var asOf: Timestamp?
    @Option(help: "Stop at this event of the account.", transform: Parse.sequence)
    var sequence: Int64?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard asOf == nil || sequence == nil else { throw ValidationError("Give --as-of or --sequence, not both.") }
    }

    func run() async throws {
        let end: LedgerStore.ReplayEnd = asOf.map { .time($0) } ?? sequence.map { .sequence($0) } ?? .now
        let printer = HistoryPrinter(isJSON: output.json)
        let state = try await LedgerSetup(LedgerDatabase()).withLedger(sessions: 1) { connection in
            let state = try await connection.store.replay(account, to: end) { event, state in
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
