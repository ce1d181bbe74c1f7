import Administration
import ArgumentParser
import Ledger
import LedgerStore
import Operations
import Registry

/// As of when a question is asked.
struct PointOptions: ParsableArguments {
    @Option(
        help: "As of a moment: 2027-01-31T12:00:00Z, or a date for its first moment.",
        transform: Parse.moment
    )
    var asOf: Timestamp?
    @Option(help: "As of this event of the account.", transform: Parse.sequence)
    var sequence: Int64?
    @Option(help: "As of this position of the account's journal.", transform: Parse.sequence)
    var position: Int64?

    func validate() throws {
        let given = [asOf != nil, sequence != nil, position != nil].count { $0 }
        guard given <= 1 else { throw ValidationError("Give one of --as-of, --sequence and --position.") }
    }

    var end: LedgerStore.ReplayEnd {
        asOf.map { .time($0) } ?? sequence.map { .sequence($0) } ?? position.map { .position($0) } ?? .now
    }
}

/// Tells what an account had.
struct BalanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balance",
        abstract: "Show what an account had at any time, as was known then and as is known now.",
        discussion: """
            Examples:
              runledger balance ACCOUNT
              runledger balance ACCOUNT --as-of 2027-01-31T23:59:59Z
              runledger balance ACCOUNT --position 48211 --json

            What is known now differs by what was recorded later and counts from before: late facts, and corrections, which \
            count from when the events that they correct do.
            """
    )
    @Argument(help: "The account's id.", transform: Parse.account)
    var account: AccountID
    @OptionGroup var point: PointOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let found = try await withDesk { desk in
            try await desk.administer(account) { (admin) async throws(AdminFailure) in
                try await admin.balance(of: account, asOf: point.end)
            }
        }
        var facts = [
            ("balance", "\(found.balance) credits, \(found.held) on hold, \(found.balance - found.held) available"),
            ("known now", "\(found.balanceKnownNow) credits"),
        ]
        if !found.lateEvents.isEmpty {
            let sign = found.difference.isNegative ? "" : "+"
            let events = found.lateEvents.map(String.init).joined(separator: ", ")
            facts.append(("difference", "\(sign)\(found.difference), by events \(events)"))
        }
        if let moment = found.moment { facts.append(("as of", moment.rfc3339)) }
        if let sequence = found.sequence, let position = found.position {
            facts.append(("last change", "event \(sequence), journal \(found.journal), position \(position)"))
        }
        output.show(
            facts.map { (name: $0.0, value: $0.1) },
            .object(Dictionary(uniqueKeysWithValues: JSONValue.balance(found).map { ($0.key, $0.value) }))
        )
    }
}

/// Explains a number.
struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Show the shortest list of events that add up to a number, with rule and price version.",
        discussion: """
            Examples:
              runledger why ACCOUNT balance
              runledger why ACCOUNT available --as-of 2027-01-31
              runledger why ACCOUNT pot POT
              runledger why ACCOUNT grant GRANT
              runledger why ACCOUNT charge EXECUTION
              runledger why ACCOUNT refusal 48        (the event, or the request's or the run's id)
            """
    )
    @Argument(help: "The account's id.", transform: Parse.account)
    var account: AccountID
    @Argument(help: "balance, held, available, pot, grant, charge or refusal.")
    var number: String
    @Argument(help: "The id of the pot, grant, run or request; or the refusal's sequence.")
    var of: String?
    @OptionGroup var point: PointOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let subject: WhySubject
        do throws(WhySubjectError) {
            subject = try WhySubject(name: number, reference: of)
        } catch {
            throw OperationError(.usage, "\(error.field): \(error.message).")
        }
        let found = try await withDesk { desk in
            try await desk.administer(account) { (admin) async throws(AdminFailure) in
                try await admin.why(subject, of: account, asOf: point.end)
            }
        }
        output.show(
            .object(Dictionary(uniqueKeysWithValues: JSONValue.explanation(found).map { ($0.key, $0.value) }))
        ) { terminal in show(found, on: terminal) }
    }

    private func show(_ found: Explanation, on terminal: Terminal) {
        func text(_ number: Int64) -> String {
            found.unit == .credits ? "\(Credits(microcredits: number))" : Numbers.grouped(number)
        }
        let title = [found.subject.name, found.subject.reference].compactMap { $0 }.joined(separator: " ")
        guard !found.lines.isEmpty else { return terminal.line("\(title): nothing led to it by then.") }
        let table = TextTable(
            [
                .init("event", width: 7, isRight: true), .init("recorded", width: 23), .init("type", width: 20),
                .init("change", width: 14, isRight: true), .init("price", width: 5), .init("rule", width: 30),
            ],
            terminal: terminal
        )
        terminal.line(table.heading)
        for line in found.lines {
            terminal.line(
                table.row([
                    .init("\(line.sequence)"), .init(AccountSheet.time(line.recordedAt), .dim),
                    .init(line.type.rawValue),
                    .init(line.change.map { ($0 > 0 ? "+" : "") + text($0) } ?? ""),
                    .init(line.priceVersion ?? ""),
                    .init([line.rule, line.model].compactMap { $0 }.joined(separator: ", "), .dim),
                ])
            )
        }
        terminal.line("\n\(title): \(text(found.number)) \(found.unit.rawValue)")
    }
}
