public import Ledger
import Postgres

extension LedgerStore {
    /// A key as the run path knows it before the ledger is asked: facts that never change once it is issued, and whether
    /// it was revoked by then.
    public struct KeyRecord: Hashable, Sendable {
        /// Whose key it is.
        public let accountID: AccountID
        /// The key.
        public let key: APIKey
    }

    /// The key with an id; nil when there is none.
    public func key(_ id: KeyID) async throws(LedgerStoreError) -> KeyRecord? {
        guard (0..<journalCount).contains(id.journal.number) else { return nil }
        let rows = try await ask(LoadKeys(journal: id.journal, keys: [id]))
        return rows.first.map { KeyRecord(accountID: $0.account, key: $0.value) }
    }

    /// The account as it stands, with its pots that have credits, its grants and its windows; nil when it is unknown.
    public func state(of account: AccountID) async throws(LedgerStoreError) -> LedgerState? {
        let journal = journal(of: account)
        var state = LedgerState()
        state.account = try await ask(LoadAccounts(journal: journal, accounts: [account])).first
        guard state.account != nil else { return nil }
        for row in try await ask(LoadPots(journal: journal, accounts: [account], pots: [])) {
            state.pots[row.value.id] = row.value
        }
        for row in try await ask(LoadGrants(journal: journal, accounts: [account])) {
            state.grants[row.value.id] = row.value
        }
        for row in try await ask(LoadWindows(journal: journal, accounts: [account])) {
            state.windows[row.value.route] = row.value.window
        }
        return state
    }

    /// The run with an id, and whose it is; nil when there is none.
    public func execution(
        _ id: ExecutionID
    ) async throws(LedgerStoreError) -> (account: AccountID, execution: Execution)? {
        guard (0..<journalCount).contains(id.journal.number) else { return nil }
        let rows = try await ask(LoadExecutions(journal: id.journal, executions: [id]))
        return rows.first.map { ($0.account, $0.value) }
    }

    /// The runs of a journal whose holds are open, and whose they are.
    public func openExecutions(
        in journal: JournalID
    ) async throws(LedgerStoreError) -> [(account: AccountID, execution: Execution)] {
        try await ask(LoadOpenExecutions(journal: journal)).map { ($0.account, $0.value) }
    }

    /// The open holds of a journal that have expired by a moment, at most 1,000, and whose they are.
    public func expiredHolds(
        in journal: JournalID,
        by moment: Timestamp
    ) async throws(LedgerStoreError) -> [(account: AccountID, hold: Hold)] {
        try await ask(LoadJournalExpiredHolds(journal: journal, moment: moment)).map { ($0.account, $0.value) }
    }

    /// A page of an account's stream: up to 1,000 events after a sequence.
    public func events(
        of account: AccountID,
        after sequence: Int64 = 0
    ) async throws(LedgerStoreError) -> [Event] {
        let journal = journal(of: account)
        return try await ask(ReadAccountEvents(journal: journal, account: account, after: sequence, limit: 1_000))
    }

    func ask<S: PostgresStatement>(_ statement: S) async throws(LedgerStoreError) -> [S.Row] {
        do throws(PostgresError) {
            return try await client.query(statement)
        } catch {
            throw LedgerStoreError(error)
        }
    }
}
