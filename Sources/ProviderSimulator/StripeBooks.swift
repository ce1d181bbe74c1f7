internal import Registry
internal import Synchronization

/// The payments that the simulated Stripe was asked for, and the answers it keeps under idempotency keys.
final class StripeBooks: Sendable {
    /// A payment that was asked for.
    struct Intent: Sendable {
        let id: String
        /// Milliseconds since 1970.
        let createdAt: Int64
        let parameters: [String: String]
        let fate: Fate
        /// When a payment that takes its time is through, in milliseconds since 1970.
        let settlesAt: Int64

        var customer: String? { parameters["customer"] }

        /// The members whose names are in brackets after `metadata`.
        var metadata: JSONValue {
            var members: [String: JSONValue] = [:]
            for (name, value) in parameters where name.hasPrefix("metadata[") && name.hasSuffix("]") {
                members[String(name.dropFirst(9).dropLast())] = .string(value)
            }
            return .object(members)
        }
    }

    /// What a payment method comes to.
    enum Fate: Hashable, Sendable {
        case paid
        /// It is under way for a while, as a bank's debit is.
        case processing
        case declined(code: String, declineCode: String, message: String)
        /// It was not to be confirmed.
        case unconfirmed
    }

    /// An answer that is kept under a key.
    struct Saved: Sendable {
        let request: [String: String]
        let at: Int64
        let status: Int
        let body: JSONValue
    }

    /// What there is under a key.
    enum Claim: Sendable {
        /// Nothing: the request is the first, and has to be given back or answered.
        case first
        /// Another request with it is being worked on.
        case underWay
        case answered(Saved)
    }

    /// For how long an answer is kept, in milliseconds: Stripe may forget it after 24 hours.
    static let keptMilliseconds: Int64 = 86_400_000

    private struct State {
        var intents: [Intent] = []
        var saved: [String: Saved] = [:]
        var underWay: Set<String> = []
    }

    private let state = Mutex(State())

    /// Asks for what there is under a key; the first claims it.
    func claim(_ key: String, at now: Int64) -> Claim {
        state.withLock { state in
            if let saved = state.saved[key], now < saved.at + Self.keptMilliseconds { return .answered(saved) }
            guard state.underWay.insert(key).inserted else { return .underWay }
            state.saved[key] = nil
            return .first
        }
    }

    /// Ends a claim; keeps an answer under the key, or nothing, as when the request was never begun.
    func end(_ key: String, keeping saved: Saved?) {
        state.withLock { state in
            state.underWay.remove(key)
            state.saved[key] = saved
        }
    }

    func add(_ intent: Intent) { state.withLock { $0.intents.append(intent) } }

    func intent(_ id: String) -> Intent? { state.withLock { $0.intents.first { $0.id == id } } }

    /// Every payment, the latest first.
    func intents() -> [Intent] { state.withLock { $0.intents.reversed() } }
}
