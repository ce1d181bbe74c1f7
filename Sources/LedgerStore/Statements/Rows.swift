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
    var drawsText: String { CanonicalJSON.draws(draws).text }

    /// Reads `drawsText`; nil when it is none.
    static func draws(from text: String) -> [Draw]? { CanonicalJSON(text: text)?.drawsValue }
}
