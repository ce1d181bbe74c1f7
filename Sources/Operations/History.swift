public import Ledger
public import Registry
import RunAPI

/// An event of an account as people and programs are shown it, with the balance and the holds after it.
public struct HistoryEntry: Sendable {
    /// The event.
    public let event: Event
    /// Credits posted after it.
    public let posted: Credits
    /// Credits on hold after it.
    public let held: Credits

    /// Takes an event and the state after it.
    public init(_ event: Event, after state: LedgerState) {
        self.event = event
        self.posted = state.account?.posted ?? .zero
        self.held = state.account?.held ?? .zero
    }

    /// Whether it is one of the events that every request writes on its way to a decision.
    public var isRoutine: Bool {
        [.requestReceived, .capabilityGranted, .rateLimitCounted].contains(event.content.type)
    }

    /// The amount that it moves: with a sign where the balance changes.
    public var amount: String {
        guard let amount = event.content.amount else { return "" }
        return switch event.content.type {
        case .creditsAdded: "+\(amount)"
        case .creditsAdjusted: amount.isNegative ? "\(amount)" : "+\(amount)"
        case .creditsDebited, .creditsExpired: "-\(amount)"
        default: "\(amount)"
        }
    }

    /// What it is about, in a few words.
    ///
    /// - Parameter isShort: whether ids are cut to their last digits.
    public func summary(isShort: Bool = false) -> String {
        func id(_ id: some LedgerIdentifier) -> String { isShort ? "…" + id.description.suffix(6) : id.description }
        let content = event.content
        var words: [String] = []
        // A denied capability names the model itself.
        if let model = content.model, content.type != .capabilityDenied { words.append(model) }
        words += (content.detail.map(Self.members) ?? []).compactMap { Self.words($0, content.type) }
        if content.type == .capabilityDenied { words.removeFirst() }
        switch content.type {
        case .keyIssued, .keyRevoked: if let key = content.keyID { words.append("key \(id(key))") }
        case .grantIssued, .grantRevoked: if let grant = content.grantID { words.append("grant \(id(grant))") }
        case .creditsAdded, .creditsExpired, .creditsAdjusted:
            if let pot = content.potID { words.append("pot \(id(pot))") }
        default: break
        }
        return words.joined(separator: ", ")
    }

    private static func members(_ detail: CanonicalJSON) -> [CanonicalJSON.Member] {
        guard case .object(let members) = detail else { return [] }
        return members
    }

    /// One member of the detail in words; nil for what only a program needs.
    private static func words(_ member: CanonicalJSON.Member, _ type: EventType) -> String? {
        let hidden: Set<String> = [
            "digest", "inputs", "result", "draws", "deadline", "definition", "instance", "policy", "route",
            "provider_microusd", "provider_request", "minute", "workflow_run",
        ]
        if hidden.contains(member.key) || (member.key == "expires" && type == .creditsHeld) { return nil }
        if member.key == "expires", type == .grantHeld || type == .workflowStarted { return nil }
        if member.key == "held", member.value == .integer(0) { return nil }
        if ["available", "required", "quote", "cost"].contains(member.key), let amount = member.value.amountValue {
            return "\(member.key) \(amount)"
        }
        if ["expires", "closes", "opens"].contains(member.key), let microseconds = member.value.integerValue {
            return "\(member.key) \(Timestamp(microseconds: microseconds).rfc3339.prefix(19))Z"
        }
        switch member.value {
        case .boolean(let flag): return flag ? member.key : "not \(member.key)"
        case .integer(let number): return "\(member.key) \(number)"
        case .string(let text): return ["code", "kind", "role"].contains(member.key) ? text : "\(member.key) \(text)"
        case .array(let elements): return elements.compactMap(\.stringValue).joined(separator: " ")
        case .object: return nil
        }
    }

    /// Everything, for programs. Amounts are credits.
    public var json: JSONValue {
        let content = event.content
        var members: [String: JSONValue] = [
            "journal": .integer(Int64(event.journal.number)), "position": .integer(event.position),
            "sequence": .integer(event.sequence), "type": .string(content.type.rawValue),
            "recordedAt": .string(content.recordedAt.rfc3339), "effectiveAt": .string(content.effectiveAt.rfc3339),
            "commandId": .string(content.commandID.description), "hash": .string(event.hash.description),
            "balance": .credits(posted), "held": .credits(held),
        ]
        let optional: [(String, JSONValue?)] = [
            ("requestId", content.requestID.map { .string($0.description) }),
            ("executionId", content.executionID.map { .string($0.description) }),
            ("keyId", content.keyID.map { .string($0.description) }),
            ("model", content.model.map { .string($0) }),
            ("grantId", content.grantID.map { .string($0.description) }),
            ("holdId", content.holdID.map { .string($0.description) }),
            ("potId", content.potID.map { .string($0.description) }),
            ("amount", content.amount.map(JSONValue.credits)),
            ("priceVersion", content.priceVersion.map { .string($0) }),
            ("previousHash", event.previousHash.map { .string($0.description) }),
            ("detail", content.detail.flatMap { try? JSONValue(text: $0.text) }),
        ]
        for (key, value) in optional { members[key] = value }
        return .object(members)
    }
}

/// The columns of a history for people.
public struct HistoryTable: Sendable {
    private let table: TextTable
    private let isCompact: Bool

    /// Makes the table for a terminal.
    ///
    /// - Parameter isCompact: whether dates are left out and ids cut to their last digits.
    public init(indent: Int = 0, isCompact: Bool = false, terminal: Terminal) {
        self.isCompact = isCompact
        self.table = TextTable(
            [
                .init("seq", width: isCompact ? 3 : 5, isRight: true),
                .init(isCompact ? "time" : "time (UTC)", width: isCompact ? 8 : 19), .init("event", width: 20),
                .init("amount", width: isCompact ? 7 : 9, isRight: true),
                .init("balance", width: isCompact ? 8 : 9, isRight: true),
                .init("held", width: 7, isRight: true), .init("about", width: 30),
            ],
            indent: indent,
            terminal: terminal
        )
    }

    /// The headings.
    public var heading: String { table.heading }

    /// The line of an event.
    public func row(_ entry: HistoryEntry) -> String {
        let content = entry.event.content
        let time = content.recordedAt.rfc3339
        return table.row([
            .init("\(entry.event.sequence)", .dim),
            .init((isCompact ? "" : "\(time.prefix(10)) ") + time.dropFirst(11).prefix(8), .dim),
            .init(content.type.rawValue, style(of: content.type)),
            .init(entry.amount, amountStyle(entry)),
            .init(entry.posted.description),
            .init(entry.held == .zero ? "0" : entry.held.description, entry.held == .zero ? .dim : .yellow),
            .init(entry.summary(isShort: isCompact), .dim),
        ])
    }

    private func style(of type: EventType) -> Terminal.Style? {
        switch type {
        case .requestRefused, .capabilityDenied, .creditsRefused, .grantRefused, .rateLimitExceeded, .executionFailed:
            .red
        case .executionSucceeded: .green
        case .executionUnresolved: .yellow
        case .requestReceived, .capabilityGranted, .rateLimitCounted: .dim
        default: nil
        }
    }

    private func amountStyle(_ entry: HistoryEntry) -> Terminal.Style? {
        if entry.amount.hasPrefix("+") { return .green }
        return entry.amount.hasPrefix("-") ? .red : nil
    }
}
