public import Ledger
public import Runs
import Synchronization

/// A ledger without a database: the real rules over states that are kept whole in memory.
public final class InMemoryLedger: RunLedger {
    /// What happens around a command: may wait, note something, or fail.
    public typealias Hook = @Sendable (Command) async throws(LedgerFailure) -> Void

    private struct Books {
        var states: [AccountID: LedgerState] = [:]
        var events: [EventContent] = []
        var commands: [Command] = []
        var keyQuestions = 0
        var now = Timestamp(microseconds: 1_767_323_045_678_901)
        var live: Set<Int64> = []
        var keyFailure: LedgerFailure?
        var before: Hook?
        var after: Hook?
    }

    private let books = Mutex(Books())

    /// A ledger without an account, at 2026-01-02T03:04:05.678901Z.
    public init() {}

    /// The moment that the next events are recorded at.
    public var now: Timestamp {
        get { books.withLock(\.now) }
        set { books.withLock { $0.now = newValue } }
    }

    /// The processes that are alive.
    public var live: Set<Int64> {
        get { books.withLock(\.live) }
        set { books.withLock { $0.live = newValue } }
    }

    /// Everything recorded so far.
    public var events: [EventContent] { books.withLock(\.events) }
    /// Every command that was carried out, in order.
    public var commands: [Command] { books.withLock(\.commands) }
    /// How often a key was asked for.
    public var keyQuestions: Int { books.withLock(\.keyQuestions) }

    /// An account with all its parts.
    public func state(of account: AccountID) -> LedgerState { books.withLock { $0.states[account] ?? LedgerState() } }

    /// Has a hook run before each command is carried out; one that fails prevents it.
    public func before(_ hook: @escaping Hook) { books.withLock { $0.before = hook } }

    /// Has a hook run after each command was carried out, before its verdict is told.
    public func after(_ hook: @escaping Hook) { books.withLock { $0.after = hook } }

    /// Has questions for keys fail, or answered again.
    public func failKeys(_ failure: LedgerFailure?) { books.withLock { $0.keyFailure = failure } }

    /// Carries out an administrative command; traps when it is refused.
    public func administer(_ action: Command.Action, of account: AccountID) {
        let id = CommandID(Identifier128(high: .random(in: 0...UInt64.max), low: .random(in: 0...UInt64.max)))
        let verdict = perform(Command(id: id, accountID: account, action: action))
        precondition(verdict == .done, "\(action) was answered with \(verdict)")
    }

    /// Carries out a command about a run outside of any service, with no hook around it.
    public func administerRun(_ action: Command.Action, of account: AccountID) {
        let id = CommandID(Identifier128(high: .random(in: 0...UInt64.max), low: .random(in: 0...UInt64.max)))
        carryOut(Command(id: id, accountID: account, action: action))
    }

    /// Carries out a command with no hook around it.
    public func carryOut(_ command: Command) { _ = perform(command) }

    private func perform(_ command: Command) -> Verdict {
        books.withLock { books in
            let now = books.now
            let decision = books.states[command.accountID, default: LedgerState()].perform(command, at: now)
            books.commands.append(command)
            books.events += decision.events
            return decision.verdict
        }
    }

    // MARK: RunLedger

    /// The first of sixteen journals that the account's id leads to.
    public func journal(of account: AccountID) -> JournalID { account.journal(of: 16) }

    /// The key with an id, and whose it is.
    public func findKey(_ id: KeyID) async throws(LedgerFailure) -> (account: AccountID, key: APIKey)? {
        let (failure, states) = books.withLock { books in
            books.keyQuestions += 1
            return (books.keyFailure, books.states)
        }
        if let failure { throw failure }
        for (account, state) in states {
            if let key = state.keys[id] { return (account, key) }
        }
        return nil
    }

    /// Has a command decided, with the hooks around it.
    public func decide(_ command: Command) async throws(LedgerFailure) -> Verdict {
        let (before, after) = books.withLock { ($0.before, $0.after) }
        if let before { try await before(command) }
        let verdict = perform(command)
        if let after { try await after(command) }
        return verdict
    }

    /// The runs whose holds are open.
    public func openExecutions() async throws(LedgerFailure) -> [(account: AccountID, execution: Execution)] {
        books.withLock { books in
            books.states.flatMap { account, state in
                state.executions.values.filter { state.holds[$0.holdID] != nil }.map { (account, $0) }
            }
        }
    }

    /// Holds that have expired by a moment.
    public func expiredHolds(
        by moment: Timestamp
    ) async throws(LedgerFailure) -> [(account: AccountID, hold: Hold, execution: Execution)] {
        books.withLock { books in
            books.states.flatMap { account, state in
                state.holds.values.filter { $0.expiresAt <= moment }.compactMap { hold in
                    state.executions[hold.executionID].map { (account, hold, $0) }
                }
            }
        }
    }

    /// The processes that are alive.
    public func liveInstances() async throws(LedgerFailure) -> Set<Int64> { live }
}

extension Command {
    /// What a command is about, in a word.
    public var name: String {
        switch action {
        case .admitRun: "admit"
        case .settleRun: "settle"
        case .recordSubmission: "submitted"
        case .requestCancel: "cancel"
        case .expireHold: "expire"
        default: "administer"
        }
    }
}
