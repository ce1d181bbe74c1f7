public import Ledger
public import LedgerStore
import Reconciliation

/// Invoices of providers: comparing them with the ledger, and deciding on the differences.
extension AdminDesk {
    /// How often something is tried again that somebody else's import or decision has overtaken.
    private static let attempts = 20

    /// Compares an invoice with the ledger, and records what was found unless it is only a trial or the same file was
    /// imported for the provider before.
    public func importInvoice(
        _ file: InvoiceFile,
        _ order: InvoiceOrder,
        isTrial: Bool = false,
        _ call: AdminCall
    ) async throws(AdminFailure) -> ComparedInvoice {
        for attempt in 0..<Self.attempts {
            if let known = try await known(file, order) {
                try await settleArrived(of: order.provider, call)
                return ComparedInvoice(known, fate: .known)
            }
            guard let period = order.period ?? file.invoice.days else { throw .invalid("file", "it has no lines") }
            let basis = try await asking { () async throws(LedgerStoreError) in
                try await store.reconciliationBasis(for: file.invoice.lines, of: order.provider, in: period)
            }
            // Looked for again: whoever imports it from now on makes the basis out of date, and that is noticed.
            if try await known(file, order) != nil { continue }
            let result = Matcher.reconcile(
                file.invoice.lines,
                with: basis.charges,
                period: period,
                tolerance: order.tolerance,
                earlier: basis.earlier
            )
            // An attempt that was overtaken leaves rows behind that no event names; the next one has an id of its own.
            let id = InvoiceImportID(AdminCall.identifier("invoice", "\(call.commandID)", "\(clock())", "\(attempt)"))
            let value = InvoiceImport(id, file, order, period)
            if isTrial { return ComparedInvoice(value, result, basis.positions) }
            let kept = try await asking { () async throws(LedgerStoreError) in
                try await store.keepImport(value, file.invoice.lines, result)
            }
            guard try await record(value, result, kept, basis, call) else { continue }
            let arrivedCount = try await settleArrived(of: order.provider, call)
            guard let recorded = try await imports(.one(id)).first else { throw .notFound("the import") }
            return ComparedInvoice(recorded, fate: .imported, arrivedCount: arrivedCount)
        }
        throw .invalid("invoice", "others import and decide all the time; try again")
    }

    /// Records an import; says whether nobody was faster.
    private func record(
        _ value: InvoiceImport,
        _ result: ReconciledInvoice,
        _ kept: Digest,
        _ basis: ReconciliationBasis,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Bool {
        let wish = RecordInvoice(
            importID: value.id,
            provider: value.provider,
            invoice: value.invoice,
            fromDay: "\(value.period.lowerBound)",
            untilDay: "\(value.period.upperBound)",
            file: value.file,
            result: result.digest,
            kept: kept,
            positions: basis.positions,
            classes: result.classes,
            after: basis.houseMoment
        )
        return try await askHouse(.recordInvoice(wish), "\(value.id)", call)
    }

    /// Has the house account of journal 0 changed; says whether nobody was faster.
    private func askHouse(
        _ action: Command.Action,
        _ name: String,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Bool {
        let command = Command(
            id: CommandID(AdminCall.identifier("reconciliation", name)),
            accountID: .house(of: JournalID(0), journalCount: store.journalCount),
            requestID: call.requestID,
            actor: call.actor,
            action: action
        )
        let verdict = try await asking { () async throws(LedgerStoreError) in try await store.submit(command) }
        switch verdict {
        case .refused(.invoiceInvalid, _): return false
        case .refused(let refusal, _): throw .refused(refusal)
        default: return true
        }
    }

    /// Takes out of suspense what waited for runs that a later invoice has billed.
    @discardableResult
    private func settleArrived(of provider: String, _ call: AdminCall) async throws(AdminFailure) -> Int {
        let arrived = try await asking { () async throws(LedgerStoreError) in
            try await store.arrivedItems(of: provider)
        }
        for (importID, rows) in Dictionary(grouping: arrived, by: \.item.importID).sorted(by: { $0.key < $1.key }) {
            let invoices = Set(rows.map(\.invoice)).sorted().joined(separator: ", ")
            let reason = SuspenseChoice.fitting("billed by \(invoices)")
            let choice = SuspenseChoice(
                importID: importID,
                items: .numbers(rows.map { Int64($0.item.number) }),
                resolution: .reversed,
                reason: reason
            )
            _ = try await resolve(choice, call)
        }
        return arrived.count
    }

    // MARK: Looking

    /// A page of imports, the latest first.
    ///
    /// - Parameters:
    ///   - choice: which.
    ///   - position: those before this position of journal 0; nil for the latest.
    ///   - limit: how many at most.
    public func imports(
        _ choice: ImportChoice = .all,
        before position: Int64? = nil,
        limit: Int = ImportChoice.mostImports
    ) async throws(AdminFailure) -> [RecordedImport] {
        try await asking { () async throws(LedgerStoreError) in
            try await store.invoiceImports(choice, before: position, limit: limit)
        }
    }

    /// Every import, the latest first, page by page.
    public func everyImport(pageSize: Int = ImportChoice.mostImports) async throws(AdminFailure) -> [RecordedImport] {
        var imports: [RecordedImport] = []
        while true {
            let page = try await self.imports(before: imports.last?.position, limit: pageSize)
            imports += page
            guard page.count == pageSize else { return imports }
        }
    }

    /// The import of a file for a provider, if there is one.
    private func known(_ file: InvoiceFile, _ order: InvoiceOrder) async throws(AdminFailure) -> RecordedImport? {
        let all = try await asking { () async throws(LedgerStoreError) in
            try await store.invoiceImports(.file(file.digest))
        }
        return all.first { $0.value.provider == order.provider }
    }

    /// The import with an id, its beginning, or an invoice's number.
    ///
    /// - Throws: `.notFound`, or `.invalid` when several fit.
    public func `import`(named text: String) async throws(AdminFailure) -> RecordedImport {
        if let id = InvoiceImportID(text: text) {
            guard let found = try await imports(.one(id)).first else { throw .notFound("an import of this id") }
            return found
        }
        // As many as a message names.
        let fitting = try await imports(.named(text), limit: 10)
        guard let found = fitting.first else { throw .notFound("an import with this id or invoice") }
        guard fitting.count == 1 else {
            let ids = fitting.map { "\($0.value.id)" }.joined(separator: ", ")
            throw .invalid("import", "\(text) fits several: \(ids)")
        }
        return found
    }

    /// A page of an import's items, in order.
    public func items(_ query: InvoiceItemQuery) async throws(AdminFailure) -> [RecordedItem] {
        try await asking { () async throws(LedgerStoreError) in try await store.invoiceItems(query) }
    }

    /// The items that a question asks for, page by page.
    ///
    /// - Parameters:
    ///   - most: after how many no further page is read; nil for every item.
    ///   - isWanted: which of them count.
    public func everyItem(
        _ query: InvoiceItemQuery,
        upTo most: Int? = nil,
        where isWanted: (RecordedItem) -> Bool = { _ in true }
    ) async throws(AdminFailure) -> [RecordedItem] {
        var query = query
        var items: [RecordedItem] = []
        while true {
            let page = try await self.items(query)
            items += page.filter(isWanted)
            guard items.count < most ?? .max, page.count == query.limit, let last = page.last else { return items }
            query.after = last.number
        }
    }

    /// Hashes anew everything that is kept of every import.
    ///
    /// - Returns: the imports of which it is not what their events recorded.
    public func checkImports() async throws(AdminFailure) -> [ChangedImport] {
        try await asking { () async throws(LedgerStoreError) in try await store.changedImports() }
    }

    // MARK: Deciding

    /// Takes items out of suspense, or ends claims. Items that were decided so before stay as they are.
    public func resolve(_ choice: SuspenseChoice, _ call: AdminCall) async throws(AdminFailure) -> SuspenseDecision {
        guard (1...SuspenseChoice.longestReason).contains(choice.reason.utf8.count) else {
            throw .invalid("reason", "it must have 1 to \(SuspenseChoice.longestReason) bytes")
        }
        var decision = SuspenseDecision(items: [], microUSD: 0)
        var attempt = 0
        while true {
            let moment = try await asking { () async throws(LedgerStoreError) in try await store.houseMoment() }
            let open = try await candidates(choice)
            guard !open.isEmpty else { return decision }
            let part = open.prefix(ResolveSuspense.mostItems)
            var sum: Int64 = 0
            for item in part {
                let (next, overflow) = sum.addingReportingOverflow(item.difference)
                guard !overflow else { throw .invalid("items", "they sum up to more than 64 bits hold") }
                sum = next
            }
            let wish = ResolveSuspense(
                importID: choice.importID,
                items: part.map(\.number),
                microUSD: sum,
                resolution: choice.resolution,
                reason: choice.reason,
                after: moment
            )
            if try await askHouse(
                .resolveSuspense(wish),
                "\(call.commandID) \(choice.importID) after \(moment?.microseconds ?? 0)",
                call
            ) {
                decision = SuspenseDecision(
                    items: decision.items + part.map(\.number),
                    microUSD: decision.microUSD + sum
                )
            } else {
                attempt += 1
                guard attempt < Self.attempts else { throw .invalid("items", "others decide all the time; try again") }
            }
        }
    }

    /// The items that a choice is about and that are not decided so yet: at least as many as one decision takes, if there are.
    private func candidates(_ choice: SuspenseChoice) async throws(AdminFailure) -> [RecordedItem] {
        var query = InvoiceItemQuery(choice.importID)
        query.isExceptions = true
        let wanted: ItemState = choice.resolution.endsClaim ? .claimed : .open
        let done = ItemState(rawValue: choice.resolution.rawValue)
        switch choice.items {
        case .every(let outcome, let state):
            guard state == nil || state == wanted else { return [] }
            query.outcome = outcome
            query.state = wanted
            // The rest is read when these are decided.
            return try await everyItem(query, upTo: ResolveSuspense.mostItems) {
                choice.resolution != .claimed || $0.outcome != .missingWithThem
            }
        case .numbers(let numbers):
            guard !numbers.isEmpty else { throw .invalid("items", "one at least is needed") }
            let found = Dictionary(uniqueKeysWithValues: try await everyItem(query).map { ($0.number, $0) })
            var items: [RecordedItem] = []
            for number in Set(numbers).sorted() {
                guard let item = found[number] else {
                    throw .invalid("items", "\(number) is no item of the import that differs")
                }
                if item.state == done { continue }
                guard item.state == wanted else {
                    let message = "\(number) is \(item.state.rawValue), and must be \(wanted.rawValue) to be"
                    throw .invalid("items", "\(message) \(choice.resolution.rawValue)")
                }
                guard choice.resolution != .claimed || item.outcome != .missingWithThem else {
                    throw .invalid("items", "\(number) is not billed, so that there is nothing to claim")
                }
                items.append(item)
            }
            return items
        }
    }
}

/// Which items are decided, and how.
public struct SuspenseChoice: Hashable, Sendable {
    /// Which items.
    public enum Items: Hashable, Sendable {
        /// Those with these numbers.
        case numbers([Int64])
        /// All that are open, or claimed where a claim ends; of one outcome, or of any; in one state, or in any.
        case every(InvoiceOutcome?, in: ItemState? = nil)
    }

    /// The most bytes of a reason.
    public static let longestReason = 500

    /// A reason, cut at a character when it is too long.
    public static func fitting(_ reason: String) -> String {
        guard reason.utf8.count > longestReason else { return reason }
        var (text, length) = ("", "…".utf8.count)
        for character in reason {
            length += character.utf8.count
            guard length <= longestReason else { break }
            text.append(character)
        }
        return text + "…"
    }

    /// The import.
    public let importID: InvoiceImportID
    /// Which items.
    public let items: Items
    /// How.
    public let resolution: SuspenseResolution
    /// Why.
    public let reason: String

    /// Makes a choice.
    public init(importID: InvoiceImportID, items: Items, resolution: SuspenseResolution, reason: String) {
        self.importID = importID
        self.items = items
        self.resolution = resolution
        self.reason = reason
    }
}

/// What was decided.
public struct SuspenseDecision: Hashable, Sendable {
    /// The items, by their numbers.
    public let items: [Int64]
    /// What they sum up to, in micro-dollars.
    public let microUSD: Int64
}
