public import Ledger

/// What became of one comparison: a request of the invoice, a day and model of it, or a run that it lacks.
public struct ReconciledItem: Hashable, Sendable {
    /// Its number in the import, from 1.
    public let number: Int
    /// What it is.
    public let outcome: InvoiceOutcome
    /// The file's first line that it is about; nil for what the invoice lacks.
    public let line: Int?
    /// The provider's id of the request; nil for a day and model.
    public let requestID: String?
    /// The day.
    public let day: Day
    /// The model.
    public let model: String?
    /// What is billed, in micro-dollars.
    public let billed: Int64
    /// What was booked, in micro-dollars.
    public let booked: Int64
    /// The runs that it is about.
    public let runs: [Charge]
    /// The import that had the same before, for a duplicate of one.
    public let earlier: InvoiceImportID?

    /// What is billed beyond what was booked.
    public var difference: Int64 { billed - booked }
}

/// A comparison of an invoice with the ledger.
public struct ReconciledInvoice: Hashable, Sendable {
    /// What was found, the invoice's lines first, in their order, then what it lacks.
    public let items: [ReconciledItem]
    /// Items of earlier imports that waited for runs which this invoice bills.
    public let arrived: [SuspenseItem]

    /// The sums by what was found, in a fixed order; without those of which there is none.
    public var classes: [InvoiceClass] {
        InvoiceOutcome.allCases.compactMap { outcome in
            let members = items.filter { $0.outcome == outcome }
            guard !members.isEmpty else { return nil }
            return InvoiceClass(
                outcome: outcome,
                count: Int64(members.count),
                billed: members.reduce(0) { $0 + $1.billed },
                booked: members.reduce(0) { $0 + $1.booked }
            )
        }
    }

    /// SHA-256 over all items, by which a stored result can be checked.
    public var digest: Digest {
        var digest = ResultDigest()
        for item in items {
            digest.add(
                number: Int64(item.number),
                outcome: item.outcome,
                line: item.line.map { Int64($0) },
                requestID: item.requestID,
                day: item.day,
                model: item.model,
                billed: item.billed,
                booked: item.booked,
                earlier: item.earlier,
                runs: item.runs.map(\.executionID)
            )
        }
        return digest.value
    }
}
