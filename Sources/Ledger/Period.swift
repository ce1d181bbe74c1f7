/// Closes a month of a journal: freezes up to which position it goes, the journal's running hash and root there, and what every
/// account of the books holds. Whatever is recorded later belongs to a month that is open, also what corrects this one.
public struct ClosePeriod: Hashable, Sendable {
    /// The month.
    public let month: CalendarMonth
    /// The journal's last position that belongs to it; zero in a journal that was empty.
    public let through: Int64
    /// The journal's running hash at that position.
    public let headHash: Digest
    /// The root of the journal's log (RFC 6962) over the events up to that position: that of a signed checkpoint of this size.
    /// Nil in events that are older than it.
    public let root: Digest?
    /// What every account of the books holds after that position, each account once, in order of their paths.
    public let totals: [PeriodTotal]
    /// The moment of the house account's last event that the numbers were worked out after; nil before it is opened. Any event
    /// of its in between makes the wish void.
    public let after: Timestamp?

    /// Makes the wish.
    public init(
        month: CalendarMonth,
        through: Int64,
        headHash: Digest,
        root: Digest?,
        totals: [PeriodTotal],
        after: Timestamp?
    ) {
        self.month = month
        self.through = through
        self.headHash = headHash
        self.root = root
        self.totals = totals
        self.after = after
    }
}

/// What an account of the books holds when a month is closed.
public struct PeriodTotal: Hashable, Sendable {
    /// The account's path, such as `Income:Runs`.
    public let account: String
    /// The amount in the smallest units of the account's commodity.
    public let units: Int64
    /// Makes a total.
    public init(account: String, units: Int64) {
        self.account = account
        self.units = units
    }
}

/// A month of a journal that was closed, as its event says it.
public struct ClosedPeriod: Hashable, Sendable {
    /// The journal.
    public let journal: JournalID
    /// The month.
    public let month: CalendarMonth
    /// The journal's last position that belongs to it.
    public let through: Int64
    /// The journal's running hash at that position.
    public let headHash: Digest
    /// The root of the journal's log over the events up to that position; nil when the event is older than it.
    public let root: Digest?
    /// What every account of the books held after that position.
    public let totals: [PeriodTotal]
    /// The position of the event that closed it.
    public let closedBy: Int64
    /// When it was closed.
    public let closedAt: Timestamp

    /// Reads the event that closed a month; nil for any other.
    public init?(_ event: Event) {
        guard let close = event.content.closedPeriod(after: nil) else { return nil }
        self.journal = event.journal
        self.month = close.month
        self.through = close.through
        self.headHash = close.headHash
        self.root = close.root
        self.totals = close.totals
        self.closedBy = event.position
        self.closedAt = event.content.recordedAt
    }
}

extension AccountID {
    /// `house`, in the first bytes of the accounts that belong to nobody.
    private static let housePrefix: UInt64 = 0x686F_7573_6500_0000

    /// The account whose events are about a journal as a whole: it belongs to the house, has no keys and holds nothing.
    ///
    /// - Parameters:
    ///   - journal: the journal, below the count.
    ///   - journalCount: the number of journals that the ledger was created with.
    public static func house(of journal: JournalID, journalCount: Int16) -> AccountID {
        precondition((0..<journalCount).contains(journal.number), "a journal that the ledger does not have")
        var account = AccountID(Identifier128(high: housePrefix, low: 0))
        while account.journal(of: journalCount) != journal {
            account = AccountID(Identifier128(high: housePrefix, low: account.value.low + 1))
        }
        return account
    }

    /// Whether it is the house's.
    public var isHouse: Bool { value.high == Self.housePrefix }
}

extension Decider {
    /// The first close of a journal opens the house's account in it.
    mutating func close(_ close: ClosePeriod) -> Decision {
        let isSorted = zip(close.totals, close.totals.dropFirst()).allSatisfy { $0.account < $1.account }
        guard command.accountID.isHouse, isSorted, (0...CanonicalJSON.largestInteger).contains(close.through),
            close.month.end <= moment, close.after == state.account?.lastRecordedAt
        else { return refuse(.periodInvalid) }
        if state.account == nil { openHouse() }
        var event = content(.periodClosed)
        var members: [CanonicalJSON.Member] = [
            .init("hash", .string(close.headHash.description)), .init("month", .string(close.month.description)),
            .init("through", .integer(close.through)),
            .init(
                "totals",
                .array(close.totals.map { .array([.string($0.account), .string(String($0.units))]) })
            ),
        ]
        if let root = close.root { members.append(.init("root", .string(root.base64))) }
        event.detail = .sorted(members)
        emit(event)
        return finish(.done)
    }

    /// Opens the house's account, which may do nothing itself.
    mutating func openHouse() {
        var opening = content(.accountOpened)
        opening.detail = .object([
            .init("approved", .boolean(false)), .init("role", .string(Role.user.rawValue)),
            .init("tier", .string(Tier.free.rawValue)),
        ])
        emit(opening)
    }
}

extension EventContent {
    /// What a `period.closed` says; nil for other events, and for one that says too little.
    ///
    /// - Parameter moment: that of the house account's last event before it.
    func closedPeriod(after moment: Timestamp?) -> ClosePeriod? {
        guard type == .periodClosed, let month = text("month").flatMap({ CalendarMonth($0) }),
            let through = detail?["through"]?.integerValue,
            let hash = text("hash").flatMap({ Digest(hexadecimal: $0) }),
            let elements = detail?["totals"]?.elements
        else { return nil }
        let totals = elements.compactMap { element -> PeriodTotal? in
            guard let pair = element.elements, pair.count == 2, let account = pair[0].stringValue,
                let units = pair[1].stringValue.flatMap({ Int64($0) })
            else { return nil }
            return PeriodTotal(account: account, units: units)
        }
        let root = text("root").map { Digest(base64: $0) }
        guard totals.count == elements.count, root != .some(nil) else { return nil }
        return ClosePeriod(
            month: month,
            through: through,
            headHash: hash,
            root: root ?? nil,
            totals: totals,
            after: moment
        )
    }
}
