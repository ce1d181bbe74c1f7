public import Ledger
import Synchronization

/// Who keeps when keys were last used.
public protocol KeyUseStore: Sendable {
    /// Keeps the moments, where none that is later is kept already; a moment after a key's revocation is passed over.
    func keepUses(_ uses: [KeyID: Timestamp]) async throws(LedgerFailure)
}

/// When keys were last used, in memory until somebody flushes it: a request never waits for it, and writes nothing.
///
/// What is lost with a process that is killed is the uses of the last few seconds.
public final class KeyUseLog: Sendable {
    private let store: any KeyUseStore
    private let clock: @Sendable () -> Timestamp
    private let capacity: Int
    private let uses = Mutex<[KeyID: Timestamp]>([:])

    /// Makes an empty log.
    ///
    /// - Parameters:
    ///   - store: keeps what is flushed.
    ///   - clock: the wall clock.
    ///   - capacity: keys between two flushes; the uses of more are not noted.
    public init(store: any KeyUseStore, clock: @escaping @Sendable () -> Timestamp, capacity: Int = 100_000) {
        self.store = store
        self.clock = clock
        self.capacity = capacity
    }

    /// Notes that a key was used now.
    func note(_ key: KeyID) {
        let now = clock()
        uses.withLock { uses in
            guard uses.count < capacity || uses[key] != nil else { return }
            uses[key] = now
        }
    }

    /// Has what was noted kept.
    ///
    /// - Returns: how many keys were used since the last flush.
    /// - Throws: when the store can't be reached; the next flush tries again.
    @discardableResult
    public func flush() async throws(LedgerFailure) -> Int {
        let noted = uses.withLock { uses in
            defer { uses = [:] }
            return uses
        }
        guard !noted.isEmpty else { return 0 }
        do throws(LedgerFailure) {
            try await store.keepUses(noted)
        } catch {
            uses.withLock { $0.merge(noted) { later, _ in later } }
            throw error
        }
        return noted.count
    }
}
