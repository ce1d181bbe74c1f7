internal import Ledger

/// A row of a projection: a part of an account's state together with whose it is.
struct ProjectionRow<Value: Hashable & Sendable>: Hashable, Sendable {
    let account: AccountID
    let value: Value

    init(_ account: AccountID, _ value: Value) {
        self.account = account
        self.value = value
    }
}

/// A route and its window.
struct RouteWindow: Hashable, Sendable {
    let route: Route
    let window: RateWindow
}

extension Hold {
    /// What it drew, as the canonical text of pairs of pot and whole micro-credits.
    var drawsText: String {
        CanonicalJSON.array(draws.map { .array([.string($0.potID.description), .amount($0.amount)]) }).text
    }

    /// Reads `drawsText`; nil when it is none.
    static func draws(from text: String) -> [Draw]? {
        guard let pairs = CanonicalJSON(text: text)?.elements else { return nil }
        var draws: [Draw] = []
        for pair in pairs {
            guard let parts = pair.elements, parts.count == 2, let amount = parts[1].amountValue,
                let pot = parts[0].stringValue.flatMap({ PotID(text: $0) })
            else { return nil }
            draws.append(Draw(potID: pot, amount: amount))
        }
        return draws
    }
}
