import Ledger
import Postgres

/// All rows of a journal's projections, as sets, so that two of them can be compared row for row.
struct ProjectionSnapshot {
    var accounts: [AccountID: LedgerState] = [:]

    /// Reads the live projections of a journal, or of one account in it, in the transaction that a session has open.
    ///
    /// - Throws: a `VerificationFinding` that names the first row that can't be read, or a `PostgresError`.
    static func read(
        _ journal: JournalID,
        of account: AccountID? = nil,
        _ session: PostgresSession
    ) async throws -> ProjectionSnapshot {
        var snapshot = ProjectionSnapshot()
        for row in try await rows(ScanAccounts(journal: journal), account, session) {
            snapshot.accounts[row.id, default: LedgerState()].account = row
        }
        for row in try await rows(ScanPots(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].pots[row.value.id] = row.value
        }
        for row in try await rows(ScanGrants(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].grants[row.value.id] = row.value
        }
        for row in try await rows(ScanHolds(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].put(row.value)
        }
        for row in try await rows(ScanWindows(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].windows[row.value.route] = row.value.window
        }
        for row in try await rows(ScanEndedExecutions(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].executions[row.value.id] = row.value
        }
        for row in try await rows(ScanKeys(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].keys[row.value.id] = row.value
        }
        for row in try await rows(ScanCommands(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].commands.insert(row.value)
        }
        for row in try await rows(ScanTopUps(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].topUp = row.value
        }
        for row in try await rows(ScanWorkflows(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()].workflows[row.value.slug] = row.value
        }
        for row in try await rows(ScanNodeRuns(journal: journal), account, session) {
            snapshot.accounts[row.account, default: LedgerState()]
                .nodeRuns[row.value.place.run, default: []].insert(row.value)
        }
        return snapshot
    }

    /// Reads the rows of one projection, of one account if it is named.
    ///
    /// - Throws: as `read`.
    static func rows<Scan: JournalScan>(
        _ scan: Scan,
        _ account: AccountID?,
        _ session: PostgresSession
    ) async throws -> [Scan.Row] {
        var unit = PipelineBatch()
        if let account { unit.append(AccountScan(scan: scan, account: account)) } else { unit.append(scan) }
        return try await session.execute(unit)[0].rows.map { row in
            do throws(PostgresDecodingError) {
                return try Scan.decode(row)
            } catch {
                throw VerificationFinding(
                    kind: .unreadable,
                    journal: scan.journal,
                    position: nil,
                    account: try? row.id(Scan.accountColumn),
                    message: "a row in \(Scan.table) can't be read: \(error)"
                )
            }
        }
    }

    /// The first account, by id, of which the projections say something else than the fold of the events.
    func firstDifference(from fold: JournalFold) -> VerificationFinding? {
        let ids = Set(accounts.keys).union(fold.states.keys).sorted()
        for id in ids {
            let folded = fold.states[id] ?? LedgerState()
            if let finding = difference(from: folded, of: id, in: fold.journal) { return finding }
        }
        return nil
    }

    /// What is wrong with an account's projections when its events give a state.
    func difference(
        from folded: LedgerState,
        of account: AccountID,
        in journal: JournalID
    ) -> VerificationFinding? {
        let live = accounts[account] ?? LedgerState()
        guard live != folded else { return nil }
        return VerificationFinding(
            kind: .projection,
            journal: journal,
            position: nil,
            account: account,
            message: Self.difference(live, folded)
        )
    }

    private static func difference(_ live: LedgerState, _ folded: LedgerState) -> String {
        if let live = live.account, let folded = folded.account, live != folded {
            return "the row in accounts (posted \(live.posted), held \(live.held), sequence \(live.sequence)) is not "
                + "the fold of its events (posted \(folded.posted), held \(folded.held), sequence \(folded.sequence))"
        }
        if live.account != folded.account { return rows("accounts", live.account == nil ? 0 : 1, 1) }
        if live.pots != folded.pots { return rows("pots", live.pots.count, folded.pots.count) }
        if live.grants != folded.grants { return rows("grants", live.grants.count, folded.grants.count) }
        if live.holds != folded.holds || live.openExecutions != folded.openExecutions {
            return rows("holds", live.holds.count, folded.holds.count)
        }
        if live.windows != folded.windows { return rows("rate_windows", live.windows.count, folded.windows.count) }
        if live.executions != folded.executions {
            let ended = (live.executions.count - live.holds.count, folded.executions.count - folded.holds.count)
            return rows("ended_executions", ended.0, ended.1)
        }
        if live.keys != folded.keys { return rows("api_keys", live.keys.count, folded.keys.count) }
        if live.topUp != folded.topUp {
            return rows("auto_top_ups", live.topUp == nil ? 0 : 1, folded.topUp == nil ? 0 : 1)
        }
        if live.workflows != folded.workflows {
            return rows("workflows", live.workflows.count, folded.workflows.count)
        }
        if live.nodeRuns != folded.nodeRuns {
            func count(_ state: LedgerState) -> Int { state.nodeRuns.values.reduce(0) { $0 + $1.count } }
            return rows("workflow_nodes", count(live), count(folded))
        }
        return rows("commands", live.commands.count, folded.commands.count)
    }

    private static func rows(_ table: String, _ live: Int, _ folded: Int) -> String {
        "the \(live) rows in \(table) are not the \(folded) that its events give"
    }
}

extension LedgerState {
    /// The runs that are under way, which are rows of `holds` as much as their holds.
    fileprivate var openExecutions: [ExecutionID: Execution] {
        executions.filter { holds[$0.value.holdID] != nil }
    }
}
