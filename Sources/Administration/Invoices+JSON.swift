import Books
import Ledger
public import LedgerStore
import Reconciliation
public import Registry

extension ComparedInvoice {
    init(_ recorded: RecordedImport, fate: Fate, arrivedCount: Int = 0) {
        self.init(
            fate: fate,
            value: recorded.value,
            classes: recorded.classes.map(\.sum),
            positions: recorded.positions,
            recordedAt: recorded.recordedAt,
            actor: recorded.actor,
            exceptions: [],
            arrivedCount: arrivedCount
        )
    }

    /// One that is only looked at.
    init(_ value: InvoiceImport, _ result: ReconciledInvoice, _ positions: [Int64]) {
        self.init(
            fate: .tried,
            value: value,
            classes: result.classes,
            positions: positions,
            recordedAt: nil,
            actor: nil,
            exceptions: Array(result.items.lazy.filter { $0.outcome != .matched }.prefix(InvoiceItemQuery.mostItems)),
            arrivedCount: result.arrived.count
        )
    }

    /// The comparison as operators read it; amounts are dollars.
    public var json: JSONValue {
        var members =
            value.members + [
                ("fate", .string(fate.rawValue)), ("recordedAt", recordedAt.map { .string($0.rfc3339) } ?? .null),
                ("actor", actor.map { .string($0) } ?? .null), ("positions", .array(positions.map { .integer($0) })),
                ("arrived", .integer(Int64(arrivedCount))), ("classes", .array(classes.map { .object($0.members) })),
            ]
        if fate == .tried {
            members[0].value = .null
            members.append(("exceptions", .array(exceptions.map(\.json))))
        }
        return .object(JSONValue.unique(members))
    }
}

extension RecordedImport {
    /// The import as operators read it; amounts are dollars.
    public var json: JSONValue {
        let members: [(key: String, value: JSONValue)] =
            value.members + [
                ("recordedAt", .string(recordedAt.rfc3339)), ("actor", actor.map { .string($0) } ?? .null),
                ("position", .integer(position)), ("positions", .array(positions.map { .integer($0) })),
                ("resultSha256", .string("\(result)")), ("classes", .array(classes.map(\.json))),
            ]
        return .object(JSONValue.unique(members))
    }
}

extension RecordedClass {
    var json: JSONValue {
        var members = sum.members
        members["open"] = .integer(openCount)
        members["openDifference"] = .dollars(open)
        members["claimedDifference"] = .dollars(claimed)
        return .object(members)
    }
}

extension InvoiceClass {
    fileprivate var members: [String: JSONValue] {
        [
            "outcome": .string(outcome.rawValue), "items": .integer(count), "billed": .dollars(billed),
            "booked": .dollars(booked), "difference": .dollars(difference),
        ]
    }
}

extension InvoiceImport {
    fileprivate var members: [(key: String, value: JSONValue)] {
        [
            ("import", .string("\(id)")), ("provider", .string(provider)), ("invoice", .string(invoice)),
            ("from", .string("\(period.lowerBound)")), ("until", .string("\(period.upperBound)")),
            ("fileSha256", .string("\(file)")), ("mapping", .string(mapping)),
            ("rate", rate.map { .string($0) } ?? .null), ("lines", .integer(lineCount)),
            ("skippedLines", .integer(skippedCount)), ("billed", .dollars(billed)),
            ("toleranceUsd", .dollars(tolerance.absoluteMicroUSD)),
            // A percent is 10,000 millionths.
            ("tolerancePercent", .decimal(Self.percent(tolerance.relativeMillionths))),
        ]
    }

    /// A share in millionths as percent with four decimals.
    public static func percent(_ millionths: Int64) -> String {
        let decimals = String(millionths % 10_000)
        return "\(millionths / 10_000)." + String(repeating: "0", count: 4 - decimals.utf8.count) + decimals
    }
}

extension RecordedItem {
    /// The item as operators read it; amounts are dollars.
    public var json: JSONValue {
        [
            "item": .integer(number), "outcome": .string(outcome.rawValue), "state": .string(state.rawValue),
            "line": line.map { .integer($0) } ?? .null, "request": requestID.map { .string($0) } ?? .null,
            "day": .string("\(day)"), "model": model.map { .string($0) } ?? .null, "billed": .dollars(billed),
            "booked": .dollars(booked), "difference": .dollars(difference),
            "earlierImport": earlier.map { .string("\($0)") } ?? .null,
            "execution": run.map { .string("\($0)") } ?? .null, "account": account.map { .string("\($0)") } ?? .null,
            "runs": .integer(runCount), "reason": reason.map { .string($0) } ?? .null,
            "resolvedBy": resolvedBy.map { .string($0) } ?? .null,
            "resolvedAt": resolvedAt.map { .string($0.rfc3339) } ?? .null,
        ]
    }
}

extension ReconciledItem {
    var json: JSONValue {
        [
            "item": .integer(Int64(number)), "outcome": .string(outcome.rawValue),
            "line": line.map { .integer(Int64($0)) } ?? .null, "request": requestID.map { .string($0) } ?? .null,
            "day": .string("\(day)"), "model": model.map { .string($0) } ?? .null, "billed": .dollars(billed),
            "booked": .dollars(booked), "difference": .dollars(difference),
            "earlierImport": earlier.map { .string("\($0)") } ?? .null,
            "execution": runs.first.map { .string("\($0.executionID)") } ?? .null, "runs": .integer(Int64(runs.count)),
        ]
    }
}

extension SuspenseDecision {
    /// The decision as operators read it.
    public var json: JSONValue {
        ["items": .array(items.map { .integer($0) }), "amount": .dollars(microUSD)]
    }
}

extension JSONValue {
    /// Micro-dollars as dollars.
    public static func dollars(_ microUSD: Int64) -> JSONValue { .decimal(Commodity.usd.text(microUSD)) }

    fileprivate static func unique(_ members: [(key: String, value: JSONValue)]) -> [String: JSONValue] {
        Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value) })
    }
}
