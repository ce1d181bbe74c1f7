import Ledger
import Postgres

/// All rows of a journal's projections, as sets, so that two of them can be compared row for row.
struct ProjectionSnapshot {
    var accounts: [AccountID: LedgerState] = [:]

    /// Reads the live projections of a journal in the transaction that a session has open.
    static func read(_ journal: JournalID, _ session: PostgresSession) async throws(PostgresError) -> ProjectionSnapshot
    {
        var snapshot = ProjectionSnapshot()
        for row in try await session.query(ScanAccounts(journal: journal)) {
            snapshot.accounts[row.id, default: LedgerState()].account = row
        }
        for row in try await session.query(ScanPots(journal: journal)) {
            snapshot.accounts[row.account, default: LedgerState()].pots[row.value.id] = row.value
        }
        for row in try await session.query(ScanGrants(journal: journal)) {
            snapshot.accounts[row.account, default: LedgerState()].grants[row.value.id] = row.value
        }
        for row in try await session.query(ScanHolds(journal: journal)) {
            snapshot.accounts[row.account, default: LedgerState()].holds[row.value.id] = row.value
        }
        for row in try await session.query(ScanWindows(journal: journal)) {
            snapshot.accounts[row.account, default: LedgerState()].windows[row.value.route] = row.value.window
        }
        for row in try await session.query(ScanExecutions(journal: journal)) {
            snapshot.accounts[row.account, default: LedgerState()].executions[row.value.id] = row.value
        }
        for row in try await session.query(ScanKeys(journal: journal)) {
            snapshot.accounts[row.account, default: LedgerState()].keys[row.value.id] = row.value
        }
        for row in try await session.query(ScanCommands(journal: journal)) {
            snapshot.accounts[row.account, default: LedgerState()].commands.insert(row.value)
        }
        return snapshot
    }

    /// The first account, by id, of which the projections say something else than the fold of the events.
    func firstDifference(from fold: JournalFold) -> VerificationFinding? {
        let ids = Set(accounts.keys).union(fold.states.keys).sorted()
        for id in ids {
            let live = accounts[id] ?? LedgerState()
            let folded = fold.states[id] ?? LedgerState()
            guard live != folded else { continue }
            return VerificationFinding(
                kind: .projection,
                journal: fold.journal,
                position: nil,
                account: id,
                message: Self.difference(live, folded)
            )
        }
        return nil
    }

    private static func difference(_ live: LedgerState, _ folded: LedgerState) -> String {
        if let live = live.account, let folded = folded.account, live != folded {
            return "the row in accounts (posted \(live.posted), held \(live.held), sequence \(live.sequence)) is not "
                + "the fold of its events (posted \(folded.posted), held \(folded.held), sequence \(folded.sequence))"
        }
        if live.account != folded.account { return rows("accounts", live.account == nil ? 0 : 1, 1) }
        if live.pots != folded.pots { return rows("pots", live.pots.count, folded.pots.count) }
        if live.grants != folded.grants { return rows("grants", live.grants.count, folded.grants.count) }
        if live.holds != folded.holds { return rows("holds", live.holds.count, folded.holds.count) }
        if live.windows != folded.windows { return rows("rate_windows", live.windows.count, folded.windows.count) }
        if live.executions != folded.executions {
            return rows("executions", live.executions.count, folded.executions.count)
        }
        if live.keys != folded.keys { return rows("api_keys", live.keys.count, folded.keys.count) }
        return rows("commands", live.commands.count, folded.commands.count)
    }

    private static func rows(_ table: String, _ live: Int, _ folded: Int) -> String {
        "the \(live) rows in \(table) are not the \(folded) that its events give"
    }
}
