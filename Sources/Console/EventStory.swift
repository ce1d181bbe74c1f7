import Ledger

/// An event in words, for people who read a timeline.
struct EventStory {
    let event: Event
    /// Whether what the provider cost is shown.
    let seesMoney: Bool
    /// The texts that commitments stand for, as far as they were not erased.
    var texts: [String: String] = [:]

    /// What kind of thing it is, by which it is marked.
    enum Tone: String { case plus, minus, hold, refused, neutral }

    var tone: Tone {
        switch event.content.type {
        case .creditsAdded, .topUpPaid: .plus
        case .creditsDebited, .creditsExpired, .creditsShort: .minus
        case .creditsAdjusted: (event.content.amount ?? .zero).isNegative ? .minus : .plus
        case .creditsHeld, .creditsReleased, .grantHeld, .grantReleased: .hold
        case .capabilityDenied, .rateLimitExceeded, .requestRefused, .creditsRefused, .grantRefused, .executionFailed,
            .executionUnresolved, .topUpFailed, .alertRaised:
            .refused
        default: .neutral
        }
    }

    /// What the event did to the balance; nil when it did nothing.
    var change: Credits? {
        guard let amount = event.content.amount else { return nil }
        switch event.content.type {
        case .creditsAdded, .creditsAdjusted: return amount
        case .creditsDebited, .creditsExpired: return -amount
        default: return nil
        }
    }

    /// Its detail as pairs, amounts in credits, moments in UTC.
    var facts: [(name: String, value: String)] {
        guard case .object(let members) = event.content.detail else { return [] }
        return members.filter { seesMoney || $0.key != Self.providerCost }.map { member in
            let name = Self.names[member.key] ?? member.key.replacing("_", with: " ")
            let text = Self.text(member.key, member.value)
            let isSealed = PrivateText.commitment(in: text) != nil
            return (name: name, value: isSealed ? texts[text] ?? APIKey.erasedName : text)
        }
    }

    private static let providerCost = "provider_microusd"
    private static let names = [
        "ms": "took", providerCost: "provider's cost", "provider_request": "provider's id",
        "inputs": "digest of the inputs", "result": "digest of the result", "draws": "drawn",
    ]

    /// Members that are amounts in micro-credits, and members that are microseconds since 1970.
    private static let amounts: Set<String> = [
        "available", "required", "cost", "quote", "balance", "threshold", "unit_price", "allowance", "amount",
    ]
    private static let moments: Set<String> = ["closes", "opens", "expires", "deadline", "expires_at", "deadline_at"]

    private static func text(_ key: String, _ value: CanonicalJSON) -> String {
        if amounts.contains(key), let amount = value.amountValue { return Format.inWords(amount) }
        if moments.contains(key), let number = value.integerValue {
            return Format.moment(Timestamp(microseconds: number))
        }
        if key == providerCost, let text = value.stringValue, let number = Int64(text) {
            return Format.dollars(MicroUSD(microdollars: number))
        }
        if key == "ms", let number = value.integerValue { return Format.span(milliseconds: number) }
        if key == "draws", let draws = value.elements {
            let parts = draws.map { draw in
                let pair = draw.elements ?? []
                let pot = pair.first?.stringValue.map { String($0.prefix(8)) } ?? "?"
                return (pair.last?.amountValue.map(Format.credits) ?? "?") + " from pot " + pot
            }
            return parts.joined(separator: ", ")
        }
        switch value {
        case .string(let text): return text
        case .integer(let number): return String(number)
        case .boolean(let flag): return flag ? "yes" : "no"
        default: return value.text
        }
    }

    /// The event as a row.
    func row(linkingRuns: Bool = true) -> View {
        let content = event.content
        return View([
            "sequence": String(event.sequence), "position": String(event.position),
            "type": content.type.rawValue, "tone": tone.rawValue,
            "at": View.time(content.recordedAt), "model": content.model,
            "change": change.map(Format.change), "isDown": change?.isNegative == true ? true : nil,
            "held": change == nil ? content.amount.map(Format.credits) : nil,
            "balance": content.balanceAfter.map(Format.credits),
            "run": linkingRuns ? content.executionID?.description : nil,
            "runShort": linkingRuns ? content.executionID.map { Format.short($0) } : nil,
            "code": content.detail?["code"]?.stringValue ?? refusalCode,
            "actor": content.detail?["actor"]?.stringValue,
            "facts": facts.isEmpty ? nil : facts.map { ["name": $0.name, "value": $0.value] },
            "hash": event.hash.description, "command": content.commandID.description,
            "request": content.requestID?.description, "priceVersion": content.priceVersion,
            "isIntact": event.recomputedHash == event.hash ? true : nil,
        ])
    }

    private var refusalCode: String? {
        switch event.content.type {
        case .capabilityDenied: "CAPABILITY_DENIED"
        case .rateLimitExceeded: "RATE_LIMIT_EXCEEDED"
        case .creditsRefused: "INSUFFICIENT_CREDITS"
        case .grantRefused: "grant_exhausted"
        default: nil
        }
    }
}

/// Whether events that follow one another hang together: each hash is recomputed from what its event says, and each event
/// of an account names the hash of the one before it.
struct ChainCheck {
    let checked: Int
    /// What was found first.
    let fault: String?

    /// Takes an account's events, the latest first, without a gap.
    init(ofAccount events: [Event]) {
        checked = events.count
        var fault: String?
        for (index, event) in events.enumerated() where fault == nil {
            if event.recomputedHash != event.hash {
                fault = "event \(event.sequence) does not have the hash that it says"
            } else if index + 1 < events.count, event.previousHash != events[index + 1].hash {
                fault = "event \(event.sequence) does not follow from event \(events[index + 1].sequence)"
            }
        }
        self.fault = fault
    }

    /// Takes a journal's events, the latest first, without a gap.
    init(ofJournal events: [Event]) {
        checked = events.count
        let bad = events.first { $0.recomputedHash != $0.hash }
        fault = bad.map { "the event at position \($0.position) does not have the hash that it says" }
    }
}
