public import Ledger

/// What whoever asks about the own account needs of a ledger.
public protocol AccountReader: ExecutionReader {
    /// An account, the key that asks, and how its owner can be reached, as they stand at one moment.
    func standing(of account: AccountID, key: KeyID) async throws(LedgerFailure) -> AccountStanding

    /// A page of an account's runs, the latest first.
    func usage(of account: AccountID, _ query: UsageQuery) async throws(LedgerFailure) -> UsagePage
}

/// An account as its owner sees it.
public struct AccountStanding: Hashable, Sendable {
    /// The account; nil when it is unknown.
    public let account: Account?
    /// The key that asks; nil when it is unknown or not the account's.
    public let key: APIKey?
    /// The owner's address; nil when none is kept.
    public let email: String?

    /// Makes a standing.
    public init(account: Account?, key: APIKey?, email: String?) {
        self.account = account
        self.key = key
        self.email = email
    }
}

/// How far a run has come, in the words of the usage rows.
public enum UsageStatus: String, Hashable, Sendable, CaseIterable {
    case processing, completed, failed, cancelled

    /// The word for a run.
    public init(_ status: Execution.Status) {
        switch status {
        case .admitted, .submitted, .unresolved: self = .processing
        case .succeeded: self = .completed
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }

    /// The runs that it stands for.
    public var executionStatuses: [Execution.Status] {
        Execution.Status.allCases.filter { UsageStatus($0) == self }
    }
}

/// Which runs of an account are shown.
public struct UsageQuery: Hashable, Sendable {
    /// The rows that a page can have.
    public static let limits = 1...500
    /// The rows that can be passed over.
    public static let offsets = 0...1_000_000_000

    /// Only runs that have come so far; nil for all.
    public var status: UsageStatus?
    /// Only runs of a model; nil for all.
    public var model: String?
    /// Only runs of a workflow; nil for all.
    public var workflowSlug: String?
    /// Only runs admitted before this row's, which is faster than passing over rows; nil for the latest.
    public var before: Int64?
    /// Rows to show.
    public var limit = 50
    /// Rows to pass over.
    public var offset = 0

    /// The latest 50 runs.
    public init() {}
}

/// Some of an account's runs.
public struct UsagePage: Hashable, Sendable {
    /// The runs, the latest first.
    public let runs: [Execution]
    /// How many runs there are, on this page and off it.
    public let total: Int64
    /// The models of workflows' nodes that were held, by the workflow's run.
    public let nodeModels: [ExecutionID: [String]]

    /// Makes a page.
    public init(runs: [Execution], total: Int64, nodeModels: [ExecutionID: [String]] = [:]) {
        self.runs = runs
        self.total = total
        self.nodeModels = nodeModels
    }
}

extension Execution {
    /// The number of the run's row in its account's usage: the microsecond of its admission, which no other run of the
    /// account shares and no later one precedes, because an account's events are recorded at strictly increasing moments.
    public var usageID: Int64 { admittedAt.microseconds }
}

/// How a question ended.
public enum DeskAnswer<Value: Sendable>: Sendable {
    /// It was answered; with the window that counted it, if one did.
    case done(Value, window: WindowStatus?)
    /// It was refused.
    case refused(Refusal, window: WindowStatus?)
    /// The ledger can't be asked.
    case unavailable(LedgerFailure)
}

/// Answers whoever asks about the own account: any key that is in force may.
public struct CallerDesk: Sendable {
    private let reader: any AccountReader

    /// Makes a desk.
    public init(reader: any AccountReader) { self.reader = reader }

    /// Who asks. Neither counted nor limited: it tells a client why anything else is refused.
    public func standing(of identity: KeyAuthenticator.Identity) async -> DeskAnswer<AccountStanding> {
        do throws(LedgerFailure) {
            let standing = try await reader.standing(of: identity.accountID, key: identity.keyID)
            guard let account = standing.account, !account.isClosed, let key = standing.key, key.revokedAt == nil
            else { return .refused(.unauthorized, window: nil) }
            return .done(standing, window: nil)
        } catch {
            return .unavailable(error)
        }
    }

    /// Whether the account may ask for its usage now; a question that is let through is counted as a read, whatever it
    /// turns out to ask for.
    public func admit(_ identity: KeyAuthenticator.Identity) async -> DeskAnswer<Void> {
        do throws(LedgerFailure) {
            let standing = try await reader.standing(of: identity.accountID, key: identity.keyID)
            switch try await reader.admitRead(by: standing.account, with: standing.key, requiring: nil) {
            case .admitted(_, let window): return .done((), window: window)
            case .refused(let refusal, let window): return .refused(refusal, window: window)
            }
        } catch {
            return .unavailable(error)
        }
    }

    /// A page of the account's runs, for a question that was admitted.
    public func usage(
        _ query: UsageQuery,
        of account: AccountID
    ) async throws(LedgerFailure) -> UsagePage {
        return try await reader.usage(of: account, query)
    }
}
