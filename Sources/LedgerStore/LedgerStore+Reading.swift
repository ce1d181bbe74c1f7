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

    /// A page of a journal's events in order, from the one after a position on. Positions are committed in order, so a
    /// reader that goes on from the last one it saw misses none.
    ///
    /// - Parameter limit: the most events that are read, at least 1.
    public func events(
        in journal: JournalID,
        after position: Int64,
        limit: Int
    ) async throws(LedgerStoreError) -> [Event] {
        try await ask(ReadEvents(journal: journal, after: position, upTo: .max, limit: Int64(limit)))
    }

    /// A page of the hashes of a journal's events in order, as they are stored: the leaves of its log.
    ///
    /// - Parameters:
    ///   - after: the position before the first.
    ///   - last: the last position that may be read.
    ///   - limit: the most hashes that are read, at least 1.
    public func eventHashes(
        in journal: JournalID,
        after: Int64,
        upTo last: Int64,
        limit: Int
    ) async throws(LedgerStoreError) -> [Digest] {
        try await ask(ReadEventHashes(journal: journal, after: after, upTo: last, limit: Int64(limit)))
    }

    /// The account as it stands at one moment, with its pots that have credits, its grants and its windows; nil when it is
    /// unknown.
    public func state(of account: AccountID) async throws(LedgerStoreError) -> LedgerState? {
        let journal = journal(of: account)
        var unit = PipelineBatch()
        unit.begin(.repeatableReadOnly)
        unit.append(LoadAccounts(journal: journal, accounts: [account]))
        unit.append(LoadPots(journal: journal, accounts: [account], pots: []))
        unit.append(LoadGrants(journal: journal, accounts: [account]))
        unit.append(LoadWindows(journal: journal, accounts: [account]))
        unit.commit()
        let results = try await ask(unit)
        do throws(PostgresError) {
            var state = LedgerState()
            state.account = try results[1].decode(as: LoadAccounts.self).first
            guard state.account != nil else { return nil }
            for row in try results[2].decode(as: LoadPots.self) { state.pots[row.value.id] = row.value }
            for row in try results[3].decode(as: LoadGrants.self) { state.grants[row.value.id] = row.value }
            for row in try results[4].decode(as: LoadWindows.self) {
                state.windows[row.value.route] = row.value.window
            }
            return state
        } catch {
            throw LedgerStoreError(reading: error)
        }
    }

    /// An account's run with an id; nil when it has none.
    public func execution(
        _ id: ExecutionID,
        of account: AccountID
    ) async throws(LedgerStoreError) -> Execution? {
        let journal = journal(of: account)
        var unit = PipelineBatch()
        // One moment: a run that ends in between is in one of the two.
        unit.begin(.repeatableReadOnly)
        unit.append(LoadHolds(journal: journal, holds: [ProjectionRow(account, HoldID(id.value))]))
        unit.append(LoadEndedExecutions(journal: journal, executions: [ProjectionRow(account, id)]))
        unit.commit()
        let results = try await ask(unit)
        do throws(PostgresError) {
            if let open = try results[1].decode(as: LoadHolds.self).first { return open.run.value.execution }
            return try results[2].decode(as: LoadEndedExecutions.self).first?.value
        } catch {
            throw LedgerStoreError(reading: error)
        }
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
    ) async throws(LedgerStoreError) -> [(account: AccountID, hold: Hold, execution: Execution)] {
        try await ask(LoadJournalExpiredHolds(journal: journal, moment: moment)).map {
            ($0.account, $0.value.hold, $0.value.execution)
        }
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
        var unit = PipelineBatch()
        unit.append(statement)
        let results = try await ask(unit)
        do throws(PostgresError) {
            return try results[0].decode(as: S.self)
        } catch {
            throw LedgerStoreError(reading: error)
        }
    }

    /// Asks something that changes nothing, and so may be asked again when its connection broke.
    func ask(_ unit: PipelineBatch) async throws(LedgerStoreError) -> [PostgresResult] {
        // After a restart of the server, each of a client's sessions may turn out to be gone.
        var attemptsLeft = 8
        while true {
            do throws(PostgresError) {
                return try await client.execute(unit)
            } catch {
                attemptsLeft -= 1
                guard error.code == .connectionLost, attemptsLeft > 0 else { throw LedgerStoreError(reading: error) }
            }
        }
    }
}

extension LedgerStoreError {
    /// The error of a question.
    fileprivate init(reading error: PostgresError) {
        if error.code == .decoding {
            self.init(.damaged, outcome: .rolledBack, error.description)
        } else {
            self.init(error)
        }
    }
}
