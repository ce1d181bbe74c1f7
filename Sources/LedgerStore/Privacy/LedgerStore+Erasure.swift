public import Ledger
import Postgres

/// An erasure that was decided, and how far it has come.
public struct Erasure: Hashable, Sendable {
    /// Whose data it erases.
    public let account: AccountID
    /// When it was decided. The key was destroyed in the same transaction.
    public let decidedAt: Timestamp
    /// Rows that were deleted, by table.
    public let rows: [String: Int64]
    /// When no row was left.
    public let rowsDoneAt: Timestamp?
    /// Files that were removed.
    public let files: Int64
    /// When nothing was left to do.
    public let finishedAt: Timestamp?
}

/// Erasing what is kept of the persons behind a closed account: decided by an event, carried out afterwards, and carried on
/// by whoever is there when a process dies over it.
extension LedgerStore {
    /// Has an account's erasure decided. Its key is gone once this returns; rows and files follow.
    ///
    /// - Returns: `.alreadyDone` when it was decided before; refused for an account that is unknown, open or in use.
    public func decideErasure(
        of account: AccountID,
        by actor: Actor,
        request: RequestID? = nil
    ) async throws(LedgerStoreError) -> Verdict {
        let key = try await findDataKey(of: account)
        let command = Command(
            id: .erasure(of: account),
            accountID: account,
            requestID: request,
            actor: actor,
            action: .eraseAccount(
                EraseAccount(keyFingerprint: key?.fingerprint, found: try await personalRows(of: account))
            )
        )
        let verdict = try await submit(command)
        if case .refused = verdict { return verdict }
        keyring.forget([account])
        return verdict
    }

    /// How many rows each table has that say something about the persons behind an account; tables without any left out.
    public func personalRows(of account: AccountID) async throws(LedgerStoreError) -> [String: Int64] {
        var found: [String: Int64] = [:]
        for table in PersonalTables.all {
            let count = try await count(table, of: account)
            if count > 0 { found[table.table] = count }
        }
        return found
    }

    /// How far an account's erasure has come; nil when none was decided.
    public func erasure(of account: AccountID) async throws(LedgerStoreError) -> Erasure? {
        try await ask(LoadErasure(journal: journal(of: account), account: account)).first
    }

    /// The event that decided an account's erasure: its certificate; nil when none was decided.
    public func erasureEvent(of account: AccountID) async throws(LedgerStoreError) -> Event? {
        try await ask(FindErasureEvent(journal: journal(of: account), account: account)).first
    }

    /// Erasures that are not finished, at most 100 of each journal: each time others.
    public func openErasures() async throws(LedgerStoreError) -> [Erasure] {
        var open: [Erasure] = []
        for number in 0..<journalCount { open += try await ask(LoadOpenErasures(journal: JournalID(number))) }
        return open
    }

    /// Deletes every row that says something about the persons behind an account whose erasure was decided. May be done by
    /// several processes at once, and again.
    public func eraseRows(of account: AccountID) async throws(LedgerStoreError) {
        for table in PersonalTables.all {
            while try await erase(table, of: account) > 0 {}
        }
        _ = try await change(NoteRowsErased(journal: journal(of: account), account: account, now: clock()))
    }

    /// Removes an account's files and finishes its erasure.
    ///
    /// - Parameter remove: removes the files of a run, and says how many there were.
    public func eraseFiles(
        of account: AccountID,
        _ remove: (ExecutionID) async throws -> Int
    ) async throws {
        let journal = journal(of: account)
        var last = ExecutionID(Identifier128(high: 0, low: 0))
        while true {
            let page = try await ask(ReadEndedRuns(journal: journal, account: account, after: last))
            var files: Int64 = 0
            for execution in page { files += Int64(try await remove(execution)) }
            let end = page.isEmpty ? clock() : nil
            _ = try await change(
                NoteFilesErased(journal: journal, account: account, files: files, finishedAt: end)
            )
            guard let next = page.last else { return }
            last = next
        }
    }

    private func count<T: PersonalTable>(_: T.Type, of account: AccountID) async throws(LedgerStoreError) -> Int64 {
        try await ask(CountPersonalRows<T>(journal: journal(of: account), account: account)).first ?? 0
    }

    private func erase<T: PersonalTable>(_: T.Type, of account: AccountID) async throws(LedgerStoreError) -> Int64 {
        // What is deleted twice is deleted.
        try await ask(ErasePersonalRows<T>(journal: journal(of: account), account: account)).first ?? 0
    }
}
