public import Ledger

/// A request of an invoice, or the part of one.
public struct InvoicePart: Hashable, Sendable {
    /// The provider's id of the request.
    public let requestID: String
    /// What tells lines of one request apart; a credit is a part of its own.
    public let part: String
    /// Makes it.
    public init(requestID: String, part: String) {
        self.requestID = requestID
        self.part = part
    }

    init(_ line: InvoiceLine, _ requestID: String) {
        self.init(requestID: requestID, part: line.storedPart)
    }
}

/// A model on a day.
public struct DayModel: Hashable, Comparable, Sendable {
    /// The day.
    public let day: Day
    /// The model.
    public let model: String
    /// Makes it.
    public init(day: Day, model: String) {
        self.day = day
        self.model = model
    }
    /// Orders by day and model.
    public static func < (left: DayModel, right: DayModel) -> Bool {
        (left.day, left.model) < (right.day, right.model)
    }
}

extension InvoiceLine {
    /// The part as it is kept: a credit of a request is no second bill of it.
    public var storedPart: String { billed < 0 ? part + "\u{2212}" : part }
}

/// Compares the lines of an invoice with what a provider may bill. Pure.
public struct Matcher: Sendable {
    /// What earlier imports of the provider have said.
    public struct Earlier: Sendable {
        /// Which import billed a part of a request.
        public var parts: [InvoicePart: InvoiceImportID] = [:]
        /// Which import billed a day and model without request ids.
        public var days: [DayModel: InvoiceImportID] = [:]
        /// Nothing.
        public init() {}
    }

    private let tolerance: Tolerance
    private let period: ClosedRange<Day>
    private let earlier: Earlier
    private let charges: [Charge]
    private var items: [ReconciledItem] = []
    private var used: Set<ExecutionID> = []
    private var arrived: Set<SuspenseItem> = []

    /// Compares.
    ///
    /// - Parameters:
    ///   - lines: the invoice's.
    ///   - charges: the provider's runs that ended within the period, and all others that the lines name.
    ///   - period: the days that the invoice is for: what is owed for them and not billed is missing.
    ///   - tolerance: up to which difference amounts are the same.
    ///   - earlier: what earlier imports have said of the lines' requests, days and models.
    public static func reconcile(
        _ lines: [InvoiceLine],
        with charges: [Charge],
        period: ClosedRange<Day>,
        tolerance: Tolerance,
        earlier: Earlier = Earlier()
    ) -> ReconciledInvoice {
        var matcher = Matcher(tolerance: tolerance, period: period, earlier: earlier, charges: charges)
        var found: [(line: Int, draft: Draft)] = []
        matcher.compareRequests(lines, &found)
        matcher.compareDays(lines, &found)
        found.sort { $0.line < $1.line }
        for entry in found { matcher.add(entry.draft, line: entry.line) }
        matcher.addMissing()
        return ReconciledInvoice(items: matcher.items, arrived: matcher.arrived.sorted())
    }

    private init(tolerance: Tolerance, period: ClosedRange<Day>, earlier: Earlier, charges: [Charge]) {
        self.tolerance = tolerance
        self.period = period
        self.earlier = earlier
        // Whatever order they come in, the result is the same.
        self.charges = charges.sorted { $0.executionID < $1.executionID }
    }

    private struct Draft {
        let outcome: InvoiceOutcome
        let requestID: String?
        let day: Day
        let model: String?
        let billed: Int64
        var booked: Int64 = 0
        var runs: [Charge] = []
        var earlier: InvoiceImportID?
    }

    private mutating func add(_ draft: Draft, line: Int?) {
        items.append(
            ReconciledItem(
                number: items.count + 1,
                outcome: draft.outcome,
                line: line,
                requestID: draft.requestID,
                day: draft.day,
                model: draft.model,
                billed: draft.billed,
                booked: draft.booked,
                runs: draft.runs,
                earlier: draft.earlier
            )
        )
    }

    private mutating func compareRequests(_ lines: [InvoiceLine], _ found: inout [(line: Int, draft: Draft)]) {
        let owned = Dictionary(grouping: charges.filter { $0.requestID != nil }) { $0.requestID ?? "" }
        var seen: Set<InvoicePart> = []
        var order: [String] = []
        var kept: [String: [InvoiceLine]] = [:]
        for line in lines {
            guard let requestID = line.requestID else { continue }
            let part = InvoicePart(line, requestID)
            let before = earlier.parts[part]
            guard seen.insert(part).inserted, before == nil else {
                let runs = owned[requestID, default: []]
                let draft = Draft(
                    outcome: .duplicate,
                    requestID: requestID,
                    day: line.day,
                    model: runs.first?.model ?? line.model,
                    billed: line.billed,
                    runs: runs,
                    earlier: before
                )
                found.append((line.line, draft))
                continue
            }
            if kept[requestID] == nil { order.append(requestID) }
            kept[requestID, default: []].append(line)
        }
        for requestID in order {
            guard let lines = kept[requestID], let first = lines.first else { continue }
            found.append((first.line, compare(requestID, first, lines, owned[requestID, default: []])))
        }
    }

    private mutating func compare(
        _ requestID: String,
        _ first: InvoiceLine,
        _ lines: [InvoiceLine],
        _ runs: [Charge]
    ) -> Draft {
        let billed = lines.reduce(0) { $0 + $1.billed }
        let known = runs.filter { $0.standing != .dropped }
        let booked = known.reduce(0) { $0 + $1.owed }
        for run in known { use(run) }
        let outcome: InvoiceOutcome =
            if known.isEmpty {
                .missingWithUs
            } else {
                tolerance.accepts(billed: billed, booked: booked) ? .matched : .priceDiffers
            }
        return Draft(
            outcome: outcome,
            requestID: requestID,
            day: first.day,
            model: runs.first?.model ?? first.model,
            billed: billed,
            booked: booked,
            runs: runs
        )
    }

    private mutating func use(_ run: Charge) {
        used.insert(run.executionID)
        if case .suspended(let item) = run.standing { arrived.insert(item) }
    }

    /// Lines without a request are compared by day and model, under our name of it or the provider's, with the runs that no line names.
    private mutating func compareDays(_ lines: [InvoiceLine], _ found: inout [(line: Int, draft: Draft)]) {
        var groups: [DayModel: [InvoiceLine]] = [:]
        for line in lines where line.requestID == nil {
            groups[DayModel(day: line.day, model: line.model ?? ""), default: []].append(line)
        }
        guard !groups.isEmpty else { return }
        let open = charges.filter { $0.owed != 0 && !used.contains($0.executionID) }
        let owned = Dictionary(grouping: open) { DayModel(day: $0.day, model: $0.model) }
        let foreign = Dictionary(grouping: open) { DayModel(day: $0.day, model: $0.providerModel ?? "") }
        // Our names first: what a provider's name stands for is what is left.
        let order = groups.keys.sorted().filter { owned[$0] != nil } + groups.keys.sorted().filter { owned[$0] == nil }
        for key in order {
            guard let lines = groups[key] else { continue }
            let runs = (owned[key] ?? foreign[key] ?? []).filter { !used.contains($0.executionID) }
            let billed = lines.reduce(0) { $0 + $1.billed }
            let booked = runs.reduce(0) { $0 + $1.booked }
            for run in runs { use(run) }
            let before = runs.isEmpty ? earlier.days[key] : nil
            let outcome: InvoiceOutcome =
                if runs.isEmpty {
                    before == nil ? .missingWithUs : .duplicate
                } else {
                    tolerance.accepts(billed: billed, booked: booked) ? .matched : .priceDiffers
                }
            let draft = Draft(
                outcome: outcome,
                requestID: nil,
                day: key.day,
                model: key.model,
                billed: billed,
                booked: booked,
                runs: runs,
                earlier: before
            )
            found.append((lines[0].line, draft))
        }
    }

    /// What is owed for the period's days and no line names.
    private mutating func addMissing() {
        let missing = charges.filter { charge in
            charge.standing == .owed && charge.booked != 0 && period.contains(charge.day)
                && !used.contains(charge.executionID)
        }
        for charge in missing.sorted(by: { $0.place < $1.place }) {
            let draft = Draft(
                outcome: .missingWithThem,
                requestID: charge.requestID,
                day: charge.day,
                model: charge.model,
                billed: 0,
                booked: charge.booked,
                runs: [charge]
            )
            add(draft, line: nil)
        }
    }
}

extension Charge {
    /// By what people look for a run that an invoice lacks.
    fileprivate var place: (Day, String, String, ExecutionID) { (day, model, requestID ?? "", executionID) }
}
