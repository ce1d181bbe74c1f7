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
            "runningHash": .string("\(headHash)"), "root": root.map { .string($0.base64) } ?? .null,
            "closedBy": .integer(closedBy),
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
    ///   changed. Whoever was overtaken, by another close or by an import, looks again.
    public func closePeriod(
        _ month: CalendarMonth,
        _ call: AdminCall
    ) async throws(AdminFailure) -> [ClosedPeriod] {
        guard month.end <= clock() else {
            throw .invalid("month", "it is not over: it ends at \(month.end.rfc3339)")
        }
        for _ in 0..<10 {
            guard try await closeOpen(month, call) else { continue }
            return try await periods().filter { $0.month == month }
        }
        throw .invalid("month", "others change the house's accounts all the time; try again")
    }

    /// Closes a month, journal by journal in their order, where it is open; says whether nobody was faster.
    ///
    /// Whoever closes the first month of all decides in journal 0 which it is: the other journals begin with the same.
    private func closeOpen(_ month: CalendarMonth, _ call: AdminCall) async throws(AdminFailure) -> Bool {
        var streams: [HouseStream] = []
        for number in 0..<store.journalCount { streams.append(try await stream(of: JournalID(number))) }
        let first = streams.compactMap(\.closed.first?.month).min()
        let open = streams.filter { stream in !stream.closed.contains { $0.month == month } }
        for stream in open {
            if let last = stream.closed.last, last.month.next != month {
                throw .invalid("month", "\(last.month) is closed, so the next one to close is \(last.month.next)")
            }
            if stream.closed.isEmpty, let first, first != month {
                throw .invalid("month", "\(first) is not closed in every journal yet, so it is the next one to close")
            }
        }
        for stream in open {
            let (journal, last) = (stream.journal, stream.closed.last)
            var fold = try await PeriodFold(journal, from: last, store)
            try await fold.advance(to: .moment(month.end), store)
            let close = ClosePeriod(
                month: month,
                through: fold.position,
                headHash: fold.headHash,
                root: fold.root,
                totals: fold.totals,
                after: stream.moment
            )
            let command = Command(
                id: CommandID(AdminCall.identifier("close", "\(month)", "\(journal)")),
                accountID: .house(of: journal, journalCount: store.journalCount),
                requestID: call.requestID,
                actor: call.actor,
                action: .closePeriod(close)
            )
            let verdict = try await asking { () async throws(LedgerStoreError) in try await store.submit(command) }
            switch verdict {
            case .refused(.periodInvalid, _): return false
            case .refused(let refusal, _): throw .refused(refusal)
            default: break
            }
        }
        return true
    }

    /// Works out anew what every closed month froze, from the first event on.
    ///
    /// - Returns: the first thing that differs in each journal.
    public func checkPeriods() async throws(AdminFailure) -> [PeriodFinding] {
        var findings: [PeriodFinding] = []
        for number in 0..<store.journalCount {
            let journal = JournalID(number)
            var fold = try await PeriodFold(journal, from: nil, store)
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

    /// What a journal's house account says of months.
    private struct HouseStream {
        let journal: JournalID
        /// When its last event was recorded; nil before it is opened.
        var moment: Timestamp?
        /// The months that are closed, in the order of time.
        var closed: [ClosedPeriod] = []
    }

    private func stream(of journal: JournalID) async throws(AdminFailure) -> HouseStream {
        let account = AccountID.house(of: journal, journalCount: store.journalCount)
        var stream = HouseStream(journal: journal)
        var sequence: Int64 = 0
        while true {
            let after = sequence
            let page = try await asking { () async throws(LedgerStoreError) in
                try await store.events(of: account, after: after)
            }
            stream.closed += page.compactMap { ClosedPeriod($0) }
            if let last = page.last { (sequence, stream.moment) = (last.sequence, last.content.recordedAt) }
            if page.count < 1_000 { break }
        }
        stream.closed.sort { $0.month < $1.month }
        return stream
    }
}
