package import Ledger
package import Reconciliation

/// An invoice that is made of a ledger's runs and a known set of mismatches of every class.
package struct SeededInvoice {
    /// Something that must be found.
    package struct Finding: Hashable, Comparable, CustomStringConvertible {
        package let outcome: InvoiceOutcome
        /// The request, or the day and the model.
        package let subject: String
        package let billed: Int64
        package let booked: Int64

        package init(_ outcome: InvoiceOutcome, _ subject: String, billed: Int64, booked: Int64) {
            self.outcome = outcome
            self.subject = subject
            self.billed = billed
            self.booked = booked
        }

        package var description: String { "\(outcome.rawValue) \(subject) \(billed) \(booked)" }

        package static func < (left: Finding, right: Finding) -> Bool { left.description < right.description }
    }

    /// The file.
    package private(set) var csv = "request,meter,day,model,cost\n"
    /// What must be found in it, and nothing else.
    package private(set) var findings: [Finding] = []
    /// The runs whose lines were left out, but for those without cost.
    package private(set) var omitted: [Charge] = []

    /// How the file is read.
    package static let mapping =
        "columns: {request: request, part: meter, day: day, model: model, amount: cost}"

    private var lines: [String] = []
    private var random: SplitMix64

    /// Makes an invoice.
    ///
    /// - Parameters:
    ///   - charges: the runs. Those of models that begin with `bulk` are billed by day and model, the others by request.
    ///   - seed: everything follows from it.
    ///   - limit: the absolute tolerance in micro-dollars: differences of it and of one more are among the lines.
    package init(of charges: [Charge], seed: UInt64, limit: Int64) {
        random = SplitMix64(seed: seed)
        for charge in charges where !charge.model.hasPrefix("bulk") { bill(charge, limit) }
        let bulk = Dictionary(grouping: charges.filter { $0.model.hasPrefix("bulk") && $0.booked != 0 }) {
            DayModel(day: $0.day, model: $0.model)
        }
        for (key, charges) in bulk.sorted(by: { $0.key < $1.key }) { bill(key, charges, limit) }
        for number in 0..<7 {
            let cost = Int64(number + 1) * 1_111
            add("stranger-\(number)", charges.first?.day ?? Day(number: 20_000), "painter", cost)
            find(.missingWithUs, "stranger-\(number)", billed: cost, booked: 0)
        }
        if let day = charges.first?.day {
            add("", day, "bulk-unknown", 5)
            find(.missingWithUs, "\(day) bulk-unknown", billed: 5, booked: 0)
        }
        lines.shuffle(using: &random)
        csv += lines.joined()
        findings.sort()
    }

    /// What a comparison found, in the same words.
    package static func findings(_ items: [ReconciledItem]) -> [Finding] {
        items.map { item in
            Finding(
                item.outcome,
                item.requestID ?? "\(item.day) \(item.model ?? "")",
                billed: item.billed,
                booked: item.booked
            )
        }.sorted()
    }

    private mutating func bill(_ charge: Charge, _ limit: Int64) {
        let subject = charge.requestID ?? ""
        let cost = charge.booked
        let roll = Int.random(in: 0..<100, using: &random)
        if cost == 0 {
            guard roll < 20 else { return }
            add(subject, charge.day, charge.model, 900)
            return find(.priceDiffers, subject, billed: 900, booked: 0)
        }
        var billed = cost
        switch roll {
        case 0..<3:
            omitted.append(charge)
            return find(.missingWithThem, subject, billed: 0, booked: cost)
        case 3..<5: billed += limit
        case 5..<7: billed -= limit
        case 7..<9: billed += limit + 1
        case 9..<11: billed -= limit + 1
        case 11..<13: billed *= 3
        case 13..<16:
            add(subject, charge.day, charge.model, cost)
            find(.duplicate, subject, billed: cost, booked: 0)
        case 16..<20:
            // Two meters of one request are no duplicates.
            add(subject, charge.day, charge.model, cost - 1, meter: "input")
            add(subject, charge.day, charge.model, 1, meter: "output")
            return find(.matched, subject, billed: cost, booked: cost)
        default: break
        }
        add(subject, charge.day, charge.model, billed)
        let isSame = abs(billed - cost) <= limit
        find(isSame ? .matched : .priceDiffers, subject, billed: billed, booked: cost)
    }

    private mutating func bill(_ key: DayModel, _ charges: [Charge], _ limit: Int64) {
        let booked = charges.reduce(0) { $0 + $1.booked }
        let subject = "\(key.day) \(key.model)"
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            omitted += charges
            for charge in charges {
                find(.missingWithThem, charge.requestID ?? subject, billed: 0, booked: charge.booked)
            }
        case 1:
            add("", key.day, key.model, booked + limit + 1)
            find(.priceDiffers, subject, billed: booked + limit + 1, booked: booked)
        default:
            add("", key.day, key.model, booked - 1)
            add("", key.day, key.model, 1 + limit)
            find(.matched, subject, billed: booked + limit, booked: booked)
        }
    }

    private mutating func find(_ outcome: InvoiceOutcome, _ subject: String, billed: Int64, booked: Int64) {
        findings.append(Finding(outcome, subject, billed: billed, booked: booked))
    }

    private mutating func add(_ request: String, _ day: Day, _ model: String, _ cost: Int64, meter: String = "") {
        lines.append("\(request),\(meter),\(day),\(model),\(MicroUSD(microdollars: cost))\n")
    }
}
