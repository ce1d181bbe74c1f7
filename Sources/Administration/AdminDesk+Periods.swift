import Books
public import Ledger
import LedgerStore
public import Registry

/// Something about a closed month that its events do not say, or that they say otherwise.
public struct PeriodFinding: Hashable, Sendable, CustomStringConvertible {
    /// The journal.
    public let journal: JournalID
    /// The month.
    public let month: CalendarMonth
    /// What is wrong, for a person.
    public let message: String
    /// One line.
    public var description: String { "\(month), journal \(journal): \(message)" }
}

extension ClosedPeriod {
    /// The month as operators read it: amounts are in the commodity, not in its smallest units.
    public var json: JSONValue {
        [
            "month": .string("\(month)"), "journal": .integer(Int64(journal.number)), "through": .integer(through),
            "runningHash": .string("\(headHash)"), "closedBy": .integer(closedBy),
            "closedAt": .string(closedAt.rfc3339),
            "totals": .array(
                totals.map { total in
                    let commodity = BookAccount(rawValue: total.account)?.commodity
                    return [
                        "account": .string(total.account), "commodity": commodity.map { .string($0.rawValue) } ?? .null,
                        "amount": commodity.map { .decimal($0.text(total.units)) } ?? .null,
                    ]
                }
            ),
        ]
    }
}

/// Months of the books: which are closed, closing one, and checking those that are.
extension AdminDesk {
    /// Every month that was closed, journal by journal, in the order of time.
    public func periods() async throws(AdminFailure) -> [ClosedPeriod] {
        var periods: [ClosedPeriod] = []
        for number in 0..<store.journalCount { periods += try await stream(of: JournalID(number)).closed }
        return periods
    }

    /// Closes a month in every journal that has not closed it yet. Made again after a failure, it closes the rest.
    ///
    /// - Returns: the month as each journal has closed it.
    /// - Throws: `.invalid` for a month that is not over, or that is not the next one in some journal; then nothing has
    ///   changed.
    public func closePeriod(
        _ month: CalendarMonth,
        _ call: AdminCall
    ) async throws(AdminFailure) -> [ClosedPeriod] {
        guard month.end <= clock() else {
            throw .invalid("month", "it is not over: it ends at \(month.end.rfc3339)")
        }
        var open: [(journal: JournalID, sequence: Int64, last: ClosedPeriod?)] = []
        for number in 0..<store.journalCount {
            let journal = JournalID(number)
            let (sequence, closed) = try await stream(of: journal)
            if closed.contains(where: { $0.month == month }) { continue }
            if let last = closed.last, last.month.next != month {
                throw .invalid("month", "\(last.month) is closed, so the next one to close is \(last.month.next)")
            }
            open.append((journal, sequence, closed.last))
        }
        for (journal, sequence, last) in open {
            var fold = try PeriodFold(journal, from: last)
            try await fold.advance(to: .moment(month.end), store)
            let close = ClosePeriod(
                month: month,
                through: fold.position,
                headHash: fold.headHash,
                totals: fold.totals,
                afterSequence: sequence
            )
            let command = Command(
                id: CommandID(AdminCall.identifier("close", "\(month)", "\(journal)")),
                accountID: .house(of: journal, journalCount: store.journalCount),
                requestID: call.requestID,
                actor: call.actor,
                action: .closePeriod(close)
            )
            let verdict = try await asking { () async throws(LedgerStoreError) in try await store.submit(command) }
            if case .refused = verdict { throw .invalid("month", "it was being closed by somebody else; try again") }
        }
        return try await periods().filter { $0.month == month }
    }

    /// Works out anew what every closed month froze, from the first event on.
    ///
    /// - Returns: the first thing that differs in each journal.
    public func checkPeriods() async throws(AdminFailure) -> [PeriodFinding] {
        var findings: [PeriodFinding] = []
        for number in 0..<store.journalCount {
            let journal = JournalID(number)
            var fold = try PeriodFold(journal, from: nil)
            for period in try await stream(of: journal).closed {
                try await fold.advance(to: .position(period.through), store)
                if let message = fold.difference(from: period) {
                    findings.append(PeriodFinding(journal: journal, month: period.month, message: message))
                    break
                }
            }
        }
        return findings
    }

    private func stream(
        of journal: JournalID
    ) async throws(AdminFailure) -> (sequence: Int64, closed: [ClosedPeriod]) {
        let account = AccountID.house(of: journal, journalCount: store.journalCount)
        var sequence: Int64 = 0
        var closed: [ClosedPeriod] = []
        while true {
            let after = sequence
            let page = try await asking { () async throws(LedgerStoreError) in
                try await store.events(of: account, after: after)
            }
            closed += page.compactMap { ClosedPeriod($0) }
            sequence = page.last?.sequence ?? sequence
            if page.count < 1_000 { return (sequence, closed) }
        }
    }
}

/// The books of a journal from some position on, as closing a month and checking one both work them out.
private struct PeriodFold {
    enum End {
        case position(Int64)
        case moment(Timestamp)

        func includes(_ event: Event) -> Bool {
            switch self {
            case .position(let last): event.position <= last
            case .moment(let end): event.content.recordedAt < end
            }
        }
    }

    let journal: JournalID
    private(set) var position: Int64
    private(set) var headHash: Digest
    private var units: [BookAccount: Int64]

    /// Goes on from a closed month, or from the beginning.
    init(_ journal: JournalID, from last: ClosedPeriod?) throws(AdminFailure) {
        self.journal = journal
        self.position = last?.through ?? 0
        self.headHash = last?.headHash ?? .zero
        self.units = [:]
        for total in last?.totals ?? [] {
            guard let book = BookAccount(rawValue: total.account) else {
                throw .invalid("month", "\(total.account) is no account of the books")
            }
            units[book] = total.units
        }
    }

    /// Every account of the chart, in order of their paths.
    var totals: [PeriodTotal] {
        BookAccount.allCases.map { PeriodTotal(account: $0.rawValue, units: units[$0, default: 0]) }
            .sorted { $0.account < $1.account }
    }

    mutating func advance(to end: End, _ store: LedgerStore) async throws(AdminFailure) {
        while true {
            let page: [Event]
            do throws(LedgerStoreError) {
                page = try await store.events(in: journal, after: position, limit: 5_000)
            } catch {
                throw AdminFailure(error)
            }
            for event in page {
                guard end.includes(event) else { return }
                try add(event)
            }
            if page.count < 5_000 { return }
        }
    }

    private mutating func add(_ event: Event) throws(AdminFailure) {
        guard event.position == position + 1 else {
            throw .invalid("month", "journal \(journal) has no position \(position + 1): see `runledger verify`")
        }
        do throws(PostingError) {
            for posting in try Posting.postings(of: event.content) {
                let (sum, overflow) = units[posting.book, default: 0].addingReportingOverflow(posting.units)
                guard !overflow else { throw PostingError("\(posting.book.rawValue) is beyond 64 bits") }
                units[posting.book] = sum
            }
        } catch {
            throw .invalid("month", "journal \(journal), position \(event.position): \(error)")
        }
        position = event.position
        headHash = headHash.chained(with: event.recomputedHash)
    }

    /// What a closed month says otherwise than its events.
    func difference(from period: ClosedPeriod) -> String? {
        guard position == period.through else {
            return "it goes through position \(period.through), and the events end at \(position)"
        }
        guard headHash == period.headHash else {
            return "the running hash at position \(position) is not the one that was frozen"
        }
        // An account that the chart has got since holds nothing then.
        for total in period.totals
        where BookAccount(rawValue: total.account).map({ units[$0, default: 0] }) != total.units {
            return "\(total.account) was frozen at \(total.units) units"
        }
        return nil
    }
}
