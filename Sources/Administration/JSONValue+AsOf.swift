import Ledger
package import LedgerStore
package import Registry

/// Answers about the past, the same from the command line and from the API. Amounts are credits.
extension JSONValue {
    /// What an account had as of a point.
    package static func balance(_ balance: BalanceAsOf) -> [(key: String, value: JSONValue)] {
        [
            ("balance", .decimal(balance.balance.description)), ("held", .decimal(balance.held.description)),
            ("available", .decimal((balance.balance - balance.held).description)),
            ("balanceKnownNow", .decimal(balance.balanceKnownNow.description)),
            ("difference", .decimal(balance.difference.description)),
            ("lateEvents", .array(balance.lateEvents.map { .integer($0) })),
            ("moment", balance.moment.map { .string($0.rfc3339) } ?? .null),
            ("journal", .integer(Int64(balance.journal.number))),
            ("position", balance.position.map { .integer($0) } ?? .null),
            ("sequence", balance.sequence.map { .integer($0) } ?? .null),
        ]
    }

    /// Why a number is what it is.
    package static func explanation(_ explanation: Explanation) -> [(key: String, value: JSONValue)] {
        [
            ("number", .string(explanation.subject.name)),
            ("of", explanation.subject.reference.map { .string($0) } ?? .null),
            ("value", amount(explanation.number, explanation.unit)), ("unit", .string(explanation.unit.rawValue)),
            ("events", .array(explanation.lines.map { line($0, explanation.unit) })),
        ]
    }

    private static func line(_ line: Explanation.Line, _ unit: Explanation.Unit) -> JSONValue {
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        return [
            "sequence": .integer(line.sequence), "position": .integer(line.position),
            "recordedAt": .string(line.recordedAt.rfc3339), "type": .string(line.type.rawValue),
            "change": line.change.map { amount($0, unit) } ?? .null, "rule": .string(line.rule),
            "priceVersion": text(line.priceVersion), "model": text(line.model),
            "execution": text(line.executionID?.description), "pot": text(line.potID?.description),
            "grant": text(line.grantID?.description),
        ]
    }

    private static func amount(_ number: Int64, _ unit: Explanation.Unit) -> JSONValue {
        unit == .credits ? .decimal(Credits(microcredits: number).description) : .integer(number)
    }
}
