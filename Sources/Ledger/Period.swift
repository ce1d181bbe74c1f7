/// Closes a month of a journal: freezes up to which position it goes, the journal's running hash there, and what every account
/// of the books holds. Whatever is recorded later belongs to a month that is open, also what corrects this one.
public struct ClosePeriod: Hashable, Sendable {
    /// The month.
    public let month: CalendarMonth
    /// The journal's last position that belongs to it; zero in a journal that was empty.
    public let through: Int64
    /// The journal's running hash at that position.
    public let headHash: Digest
    /// What every account of the books holds after that position, each account once, in order of their paths.
    public let totals: [PeriodTotal]
    /// The sequence of the house account's last event that the numbers were worked out after; zero before it is opened. Another
    /// close in between makes the wish void.
    public let afterSequence: Int64

    /// Makes the wish.
    public init(
        month: CalendarMonth,
        through: Int64,
        headHash: Digest,
        totals: [PeriodTotal],
        afterSequence: Int64
    ) {
        self.month = month
        self.through = through
        self.headHash = headHash
        self.totals = totals
        self.afterSequence = afterSequence
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
    /// What every account of the books held after that position.
    public let totals: [PeriodTotal]
    /// The position of the event that closed it.
    public let closedBy: Int64
    /// When it was closed.
    public let closedAt: Timestamp

    /// Reads the event that closed a month; nil for any other.
    public init?(_ event: Event) {
        guard let close = event.content.closedPeriod else { return nil }
        self.journal = event.journal
        self.month = close.month
        self.through = close.through
        self.headHash = close.headHash
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
            close.month.end <= moment, close.afterSequence == state.account?.sequence ?? 0
        else { return refuse(.periodInvalid) }
        if state.account == nil { openHouse() }
        var event = content(.periodClosed)
        event.detail = .sorted([
            .init("hash", .string(close.headHash.description)), .init("month", .string(close.month.description)),
            .init("through", .integer(close.through)),
            .init(
                "totals",
                .array(close.totals.map { .array([.string($0.account), .string(String($0.units))]) })
            ),
        ])
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
    var closedPeriod: ClosePeriod? {
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
        guard totals.count == elements.count else { return nil }
        return ClosePeriod(month: month, through: through, headHash: hash, totals: totals, afterSequence: 0)
    }
}
