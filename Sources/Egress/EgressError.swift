/// Why a request to somebody else's address was not made, or not answered.
public struct EgressError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The URL can't be read, or not in one way only.
        case badURL
        /// The policy takes no such scheme.
        case schemeRefused
        /// The policy takes no such port.
        case portRefused
        /// The address, or one of those that the name stands for, is not one that may be reached.
        case addressRefused
        /// The name stands for no address, or nobody could say.
        case unresolvable
        /// No connection could be made.
        case notConnected
        /// The connection broke, or what came back is no HTTP.
        case connectionLost
        /// The deadline passed, or nothing came for too long.
        case timedOut
        /// A redirect that leads nowhere, from https to http, or one more than is followed.
        case redirectRefused
    }

    /// What went wrong.
    public let code: Code
    /// For operators: never holds more of a URL than its host.
    public let reason: String

    /// Makes an error.
    public init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    static func badURL(_ reason: String) -> EgressError { EgressError(.badURL, reason) }

    /// Whether the same request may succeed later.
    public var isTransient: Bool {
        switch code {
        case .unresolvable, .notConnected, .connectionLost, .timedOut: true
        case .badURL, .schemeRefused, .portRefused, .addressRefused, .redirectRefused: false
        }
    }
}

extension EgressError: CustomStringConvertible {
    /// The code and the reason.
    public var description: String { "\(code.rawValue): \(reason)" }
}
