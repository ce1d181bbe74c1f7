public import Ledger
public import LedgerStore
import Postgres
public import Runs

extension LedgerStore: RunLedger {
    /// The key with an id, and whose it is.
    public func findKey(_ id: KeyID) async throws(LedgerFailure) -> (account: AccountID, key: APIKey)? {
        do throws(LedgerStoreError) {
            return try await key(id).map { ($0.accountID, $0.key) }
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Has a command decided.
    public func decide(_ command: Command) async throws(LedgerFailure) -> Verdict {
        do throws(LedgerStoreError) {
            return try await submit(command)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// The runs of every journal whose holds are open.
    public func openExecutions() async throws(LedgerFailure) -> [(account: AccountID, execution: Execution)] {
        do throws(LedgerStoreError) {
            var open: [(account: AccountID, execution: Execution)] = []
            for number in 0..<journalCount { open += try await openExecutions(in: JournalID(number)) }
            return open
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Holds that have expired by a moment.
    public func expiredHolds(
        by moment: Timestamp
    ) async throws(LedgerFailure) -> [(account: AccountID, hold: Hold, execution: Execution)] {
        do throws(LedgerStoreError) {
            var expired: [(account: AccountID, hold: Hold, execution: Execution)] = []
            for number in 0..<journalCount { expired += try await expiredHolds(in: JournalID(number), by: moment) }
            return expired
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// The processes that are alive and dispatch runs.
    public func liveInstances() async throws(LedgerFailure) -> Set<Int64> {
        do throws(LedgerStoreError) {
            return try await readLiveInstances()
        } catch {
            throw LedgerFailure(error)
        }
    }
}

extension LedgerFailure {
    init(_ error: LedgerStoreError) {
        switch error.code {
        case .overloaded: self = .overloaded
        default: self = .unavailable(mayHaveHappened: error.outcome == .unknown, reason: error.description)
        }
    }
}
