import Ledger

/// A few accounts with money that moved, written as the journal writer would leave it.
struct SampleLedger {
    private(set) var events: [Event] = []
    private var heads: [JournalID: (position: Int64, hash: Digest)] = [:]
    private var accounts: [AccountID: Totals] = [:]

    private struct Totals {
        var journal: JournalID
        var sequence: Int64 = 0
        var hash: Digest?
        var posted: Int64 = 0
        var held: Int64 = 0
        var recordedAt = Timestamp(microseconds: 1_767_323_045_000_000)
    }

    static let journalCount: Int16 = 4

    /// The account whose events the tests damage, in journal 1.
    static let account = AccountID(Identifier128(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001))

    /// Two accounts in journal 1 whose events alternate, and one in journal 3.
    static func make() -> SampleLedger {
        var ledger = SampleLedger()
        let other = AccountID(Identifier128(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0002))
        let third = AccountID(Identifier128(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0003))
        for account in [Self.account, other] { ledger.append(.accountOpened, account, journal: 1) }
        for account in [Self.account, other] { ledger.append(.creditsAdded, account, journal: 1, amount: 5_000_000) }
        for account in [Self.account, other] { ledger.append(.creditsHeld, account, journal: 1, amount: 2_000_000) }
        for account in [Self.account, other] { ledger.append(.creditsDebited, account, journal: 1, amount: 1_500_000) }
        for account in [Self.account, other] { ledger.append(.creditsReleased, account, journal: 1, amount: 500_000) }
        ledger.append(.accountOpened, third, journal: 3)
        ledger.append(.creditsAdded, third, journal: 3, amount: 1_000_000)
        return ledger
    }

    private mutating func append(_ type: EventType, _ account: AccountID, journal: Int16, amount: Int64? = nil) {
        let journal = JournalID(journal)
        var totals = accounts[account] ?? Totals(journal: journal)
        totals.sequence += 1
        totals.recordedAt = Timestamp(microseconds: totals.recordedAt.microseconds + 1_000)
        let command = CommandID(Identifier128(high: 1, low: UInt64(events.count)))
        var content = EventContent(type, account: account, at: totals.recordedAt, command: command)
        content.detail = .object([.init("n", .integer(Int64(events.count)))])
        if let amount {
            switch type {
            case .creditsAdded: totals.posted += amount
            case .creditsHeld: totals.held += amount
            case .creditsReleased: totals.held -= amount
            default:
                totals.posted -= amount
                totals.held -= amount
            }
            content.amount = Credits(microcredits: amount)
            content.balanceAfter = Credits(microcredits: totals.posted)
            content.heldAfter = Credits(microcredits: totals.held)
        }
        let head = heads[journal] ?? (0, .zero)
        let event = Event(
            sealing: content,
            journal: journal,
            position: head.position + 1,
            sequence: totals.sequence,
            previousHash: totals.hash
        )
        totals.hash = event.hash
        accounts[account] = totals
        heads[journal] = (event.position, head.hash.chained(with: event.hash))
        events.append(event)
    }

    /// Statements that write it into an empty, migrated database.
    var sql: String {
        var sql = "INSERT INTO ledger.ledger (name, journal_count, created_at) VALUES ('test', 4, now());\n"
        for journal in 0..<Self.journalCount {
            let head = heads[JournalID(journal)] ?? (0, .zero)
            sql += "INSERT INTO ledger.journals VALUES (\(journal), \(head.position), '\\x\(head.hash)');\n"
        }
        sql += EventSQL.insert(events)
        for (account, totals) in accounts.sorted(by: { $0.key < $1.key }) {
            sql += """
                INSERT INTO ledger.accounts VALUES (
                    \(totals.journal), '\(account)', 'business', 'user', true, false, \(totals.posted), \(totals.held),
                    \(totals.sequence), '\\x\(totals.hash ?? .zero)', \(EventSQL.literal(totals.recordedAt)), now()
                );

                """
        }
        return sql
    }
}

/// Events as SQL.
enum EventSQL {
    /// One statement that inserts events.
    static func insert(_ events: [Event]) -> String {
        """
        INSERT INTO ledger.events (
            version, journal, position, account_id, sequence, type, recorded_at, effective_at, command_id, request_id,
            execution_id, key_id, model, grant_id, hold_id, pot_id, amount, balance_after, held_after, price_version,
            detail, previous_hash, hash
        ) VALUES
        \(events.map(row).joined(separator: ",\n"));

        """
    }

    /// A moment, exactly.
    static func literal(_ moment: Timestamp) -> String {
        "'epoch'::timestamptz + \(moment.microseconds) * interval '1 microsecond'"
    }

    private static func row(_ event: Event) -> String {
        let content = event.content
        let values: [String] = [
            "\(event.version)", "\(event.journal)", "\(event.position)", text("\(content.accountID)"),
            "\(event.sequence)", text(content.type.rawValue), literal(content.recordedAt),
            literal(content.effectiveAt), text("\(content.commandID)"), text(content.requestID?.description),
            text(content.executionID?.description), text(content.keyID?.description), text(content.model),
            text(content.grantID?.description), text(content.holdID?.description), text(content.potID?.description),
            number(content.amount), number(content.balanceAfter), number(content.heldAfter),
            text(content.priceVersion), text(content.detail?.text),
            text(event.previousHash.map { "\\x\($0)" }), text("\\x\(event.hash)"),
        ]
        return "(\(values.joined(separator: ", ")))"
    }

    private static func number(_ credits: Credits?) -> String { credits.map { "\($0.microcredits)" } ?? "NULL" }

    /// A literal with `standard_conforming_strings`: only the quote is doubled.
    private static func text(_ value: String?) -> String {
        guard let value else { return "NULL" }
        var literal = "'"
        for scalar in value.unicodeScalars {
            if scalar == "'" { literal.unicodeScalars.append("'") }
            literal.unicodeScalars.append(scalar)
        }
        return literal + "'"
    }
}
