public import Ledger
public import LedgerStore
public import Runs

/// Who asks for something on behalf of the house.
public struct Operator: Hashable, Sendable {
    /// The name.
    public let name: String
    /// What the operator may do.
    public let role: OperatorRole
    /// Who this is, as events say it.
    public let actor: Actor

    /// Makes an operator; nil when the name is none.
    public init?(name: String, role: OperatorRole) {
        guard Self.isName(name), let actor = Actor("operator:\(name)") else { return nil }
        self.name = name
        self.role = role
        self.actor = actor
    }

    /// What `RUNLEDGER_ADMIN_TOKEN` lets in.
    public static let environmentName = "environment"

    /// Whether a text can name an operator: 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`.
    public static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (97...122).contains(byte) || (48...57).contains(byte) || byte == 45 || byte == 46 || byte == 95
            }
    }
}

extension AdminDesk: OperatorDirectory {
    /// The operator whose token this is.
    public func caller(with token: String) async throws(LedgerFailure) -> OperatorCaller? {
        do throws(AdminFailure) {
            return try await self.operator(with: OperatorToken(token)).map { who in
                OperatorCaller(
                    actor: who.actor,
                    role: who.role.rawValue,
                    mayChange: Permission.administer.isGiven(to: who.role)
                )
            }
        } catch .unavailable(let failure) {
            throw failure
        } catch {
            throw .unavailable(mayHaveHappened: false, reason: "\(error)")
        }
    }
}

/// What something needs, as far as operators' roles go.
public enum Permission: Hashable, Sendable {
    /// To look.
    case read
    /// To approve accounts and to give and take grants.
    case support
    /// To import invoices and to decide on their differences.
    case reconcile
    /// Everything else.
    case administer

    /// Whether a role gives it.
    public func isGiven(to role: OperatorRole) -> Bool {
        switch self {
        case .read: true
        case .support: role != .finance
        case .reconcile: role != .support
        case .administer: role == .admin
        }
    }

    /// The least role that gives it.
    public var requiredRole: OperatorRole {
        switch self {
        case .read, .reconcile: .finance
        case .support: .support
        case .administer: .admin
        }
    }
}

/// What an operator sends as `Authorization: Bearer`: `rl_admin_` and 32 random bytes in base 62. Shown once; its SHA-256 is
/// kept. It prints as its prefix only.
public struct OperatorToken: Sendable, CustomStringConvertible, CustomReflectable {
    /// What every token begins with.
    public static let prefix = "rl_admin_"
    /// The whole token.
    public let text: String
    /// Its SHA-256.
    public let digest: Digest

    /// Makes a token from the system's randomness.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(random: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Makes a token from 32 random bytes.
    public init(random bytes: [UInt8]) {
        precondition(bytes.count == 32, "a token has 32 random bytes")
        // 43: 62^43 is the first power above 2^256.
        self.init(Self.prefix + Base62.encode(bytes, digits: 43))
    }

    /// Takes a token as it was sent.
    public init(_ text: String) {
        self.text = text
        self.digest = Digest(of: Array(text.utf8))
    }

    /// The prefix, and nothing of the secret.
    public var description: String { Self.prefix + "…" }
    /// No part, so that `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
