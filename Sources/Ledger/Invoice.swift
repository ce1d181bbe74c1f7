/// An invoice of a provider that was compared with the ledger.
public struct InvoiceImportID: LedgerIdentifier {
    /// The bits.
    public let value: Identifier128
    /// Makes an identifier from its bits.
    public init(_ value: Identifier128) { self.value = value }
}

/// What became of a line of an invoice, or of a run that it lacks.
public enum InvoiceOutcome: String, Hashable, Sendable, CaseIterable {
    /// Both say the same, within the tolerance.
    case matched
    /// Both know it, at different prices.
    case priceDiffers = "price_differs"
    /// The provider bills it, and the ledger does not know it.
    case missingWithUs = "missing_with_us"
    /// The ledger owes it, and the provider does not bill it.
    case missingWithThem = "missing_with_them"
    /// The provider bills it again.
    case duplicate
}

/// What an invoice's items of one outcome sum up to.
public struct InvoiceClass: Hashable, Sendable {
    /// What became of them.
    public let outcome: InvoiceOutcome
    /// How many there are; above zero.
    public let count: Int64
    /// What is billed, in micro-dollars.
    public let billed: Int64
    /// What was booked, in micro-dollars.
    public let booked: Int64
    /// Makes a class.
    public init(outcome: InvoiceOutcome, count: Int64, billed: Int64, booked: Int64) {
        self.outcome = outcome
        self.count = count
        self.billed = billed
        self.booked = booked
    }
    /// What is billed beyond what was booked, in micro-dollars.
    public var difference: Int64 { billed - booked }
}

/// Records that an invoice was compared with the ledger, and takes the differences into suspense. What was compared is
/// beside the events; the SHA-256 of the file, of the result, and of all that is kept are in them.
public struct RecordInvoice: Hashable, Sendable {
    /// The import.
    public let importID: InvoiceImportID
    /// Whose invoice it is, 1 to 64 bytes.
    public let provider: String
    /// Its number, 1 to 100 bytes.
    public let invoice: String
    /// The first day that it is for, as `2027-01-01`.
    public let fromDay: String
    /// The last day that it is for.
    public let untilDay: String
    /// SHA-256 of the file.
    public let file: Digest
    /// SHA-256 of the result.
    public let result: Digest
    /// SHA-256 of everything that is kept of it: its settings, lines and items, and the runs of items.
    public let kept: Digest
    /// The last position of each journal that was looked at, from journal 0 on.
    public let positions: [Int64]
    /// What was found, each outcome once at most, in their order.
    public let classes: [InvoiceClass]
    /// When the house account's last event that was looked at was recorded; nil before it is opened. Another import or
    /// resolution in between makes the wish void, also one that is decided in the same batch, before it has a sequence.
    public let after: Timestamp?

    /// Makes the wish.
    public init(
        importID: InvoiceImportID,
        provider: String,
        invoice: String,
        fromDay: String,
        untilDay: String,
        file: Digest,
        result: Digest,
        kept: Digest,
        positions: [Int64],
        classes: [InvoiceClass],
        after: Timestamp?
    ) {
        self.importID = importID
        self.provider = provider
        self.invoice = invoice
        self.fromDay = fromDay
        self.untilDay = untilDay
        self.file = file
        self.result = result
        self.kept = kept
        self.positions = positions
        self.classes = classes
        self.after = after
    }
}

/// How a difference leaves suspense.
public enum SuspenseResolution: String, Hashable, Sendable, CaseIterable {
    /// It is ours to bear: a cost, or less of one.
    case accepted
    /// The provider is asked to give it back.
    case claimed
    /// It turned out to be owed as booked after all: billed or booked elsewhere since.
    case reversed
    /// What was claimed was given back, as a credit against what is owed.
    case credited
    /// What was claimed is ours to bear after all.
    case writtenOff = "written_off"

    /// Whether it ends a claim instead of what is in suspense.
    public var endsClaim: Bool { self == .credited || self == .writtenOff }
}

/// Takes items of an invoice out of suspense, or ends claims for them.
public struct ResolveSuspense: Hashable, Sendable {
    /// Items of one event at most.
    public static let mostItems = 500
    /// The import.
    public let importID: InvoiceImportID
    /// The items, by their numbers, in order.
    public let items: [Int64]
    /// What they sum up to, in micro-dollars; below zero for what is owed and not billed.
    public let microUSD: Int64
    /// How.
    public let resolution: SuspenseResolution
    /// Why, 1 to 500 bytes.
    public let reason: String
    /// When the house account's last event that was looked at was recorded.
    public let after: Timestamp?

    /// Makes the wish.
    public init(
        importID: InvoiceImportID,
        items: [Int64],
        microUSD: Int64,
        resolution: SuspenseResolution,
        reason: String,
        after: Timestamp?
    ) {
        self.importID = importID
        self.items = items
        self.microUSD = microUSD
        self.resolution = resolution
        self.reason = reason
        self.after = after
    }
}

extension Decider {
    /// The first import opens the house's account.
    mutating func record(_ wish: RecordInvoice) -> Decision {
        let order = wish.classes.map(\.outcome).compactMap { InvoiceOutcome.allCases.firstIndex(of: $0) }
        let isSorted = zip(order, order.dropFirst()).allSatisfy { $0 < $1 }
        let counts = wish.classes.map(\.count) + wish.positions
        guard command.accountID.isHouse, isSorted, !wish.positions.isEmpty,
            counts.allSatisfy({ (0...CanonicalJSON.largestInteger).contains($0) }),
            (1...64).contains(wish.provider.utf8.count), (1...100).contains(wish.invoice.utf8.count),
            wish.fromDay <= wish.untilDay, wish.after == state.account?.lastRecordedAt
        else { return refuse(.invoiceInvalid) }
        if state.account == nil { openHouse() }
        var event = content(.invoiceImported)
        event.detail = .sorted([
            .init("file", .string(wish.file.description)), .init("from", .string(wish.fromDay)),
            .init("import", .string(wish.importID.description)), .init("invoice", .string(wish.invoice)),
            .init("kept", .string(wish.kept.description)),
            .init("positions", .array(wish.positions.map { .integer($0) })),
            .init("provider", .string(wish.provider)), .init("result", .string(wish.result.description)),
            .init("until", .string(wish.untilDay)),
        ])
        emit(event)
        for group in wish.classes {
            var event = content(.invoiceCompared)
            event.detail = .sorted([
                .init("billed", .string(String(group.billed))), .init("booked", .string(String(group.booked))),
                .init("count", .integer(group.count)), .init("import", .string(wish.importID.description)),
                .init("microusd", .string(String(group.difference))),
                .init("outcome", .string(group.outcome.rawValue)),
            ])
            emit(event)
        }
        return finish(.done)
    }

    mutating func resolve(_ wish: ResolveSuspense) -> Decision {
        guard command.accountID.isHouse, state.account != nil,
            (1...ResolveSuspense.mostItems).contains(wish.items.count),
            wish.items.allSatisfy({ (1...CanonicalJSON.largestInteger).contains($0) }),
            zip(wish.items, wish.items.dropFirst()).allSatisfy({ $0 < $1 }),
            wish.after == state.account?.lastRecordedAt
        else { return refuse(.invoiceInvalid) }
        guard (1...500).contains(wish.reason.utf8.count) else { return refuse(.reasonInvalid) }
        var event = content(.suspenseResolved)
        event.detail = .sorted([
            .init("as", .string(wish.resolution.rawValue)), .init("import", .string(wish.importID.description)),
            .init("items", .array(wish.items.map { .integer($0) })),
            .init("microusd", .string(String(wish.microUSD))), .init("reason", .string(wish.reason)),
        ])
        emit(event)
        return finish(.done)
    }
}

extension EventContent {
    private var importID: InvoiceImportID? { text("import").flatMap { InvoiceImportID(text: $0) } }

    /// What an `invoice.compared` says; nil for other events, and for one that says too little.
    var invoiceClass: InvoiceClass? {
        guard type == .invoiceCompared, importID != nil,
            let outcome = text("outcome").flatMap({ InvoiceOutcome(rawValue: $0) }),
            let count = detail?["count"]?.integerValue, let billed = text("billed").flatMap({ Int64($0) }),
            let booked = text("booked").flatMap({ Int64($0) }), text("microusd") == String(billed - booked)
        else { return nil }
        return InvoiceClass(outcome: outcome, count: count, billed: billed, booked: booked)
    }

    /// What an `invoice.imported` and the events after it say; nil for other events, and for one that says too little.
    func recordedInvoice(_ classes: [InvoiceClass], after moment: Timestamp?) -> RecordInvoice? {
        guard type == .invoiceImported, let importID, let provider = text("provider"), let invoice = text("invoice"),
            let from = text("from"), let until = text("until"),
            let file = text("file").flatMap({ Digest(hexadecimal: $0) }),
            let result = text("result").flatMap({ Digest(hexadecimal: $0) }),
            let kept = text("kept").flatMap({ Digest(hexadecimal: $0) }),
            let positions = detail?["positions"]?.elements
        else { return nil }
        return RecordInvoice(
            importID: importID,
            provider: provider,
            invoice: invoice,
            fromDay: from,
            untilDay: until,
            file: file,
            result: result,
            kept: kept,
            positions: positions.compactMap(\.integerValue),
            classes: classes,
            after: moment
        )
    }

    /// What a `suspense.resolved` says; nil for other events, and for one that says too little.
    func resolvedSuspense(after moment: Timestamp?) -> ResolveSuspense? {
        guard type == .suspenseResolved, let importID, let units = text("microusd").flatMap({ Int64($0) }),
            let resolution = text("as").flatMap({ SuspenseResolution(rawValue: $0) }), let reason = text("reason"),
            let items = detail?["items"]?.elements
        else { return nil }
        return ResolveSuspense(
            importID: importID,
            items: items.compactMap(\.integerValue),
            microUSD: units,
            resolution: resolution,
            reason: reason,
            after: moment
        )
    }

    /// Why an event about an invoice can't be folded; nil for one that can.
    var invoiceFault: String? {
        let isWhole =
            switch type {
            case .invoiceImported: recordedInvoice([], after: nil) != nil
            case .invoiceCompared: invoiceClass != nil
            default: resolvedSuspense(after: nil) != nil
            }
        return isWhole ? nil : "\(type.rawValue) says too little"
    }
}
