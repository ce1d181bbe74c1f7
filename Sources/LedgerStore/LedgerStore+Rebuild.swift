public import Ledger
import Postgres

extension LedgerStore {
    /// Derives a journal's projections anew from its events, and puts them in the place of the live ones.
    ///
    /// The fold runs beside live traffic; then, under the journal's lock, the events that came meanwhile are folded and the
    /// rows are swapped in one transaction.
    ///
    /// - Returns: the number of events folded.
    /// - Throws: a `VerificationFinding` when the events themselves are damaged, a `LedgerStoreError` otherwise; then
    ///   nothing has changed.
    public func rebuild(_ journal: JournalID) async throws -> Int64 {
        do {
            return try await client.withSession { session in
                var fold = JournalFold(journal: journal)
                try await fold.addEvents(upTo: .max, session)
                var opening = PipelineBatch()
                opening.begin()
                opening.append(LockJournal(journal: journal))
                let locked = try await session.execute(opening)[1].decode(as: LockJournal.self)
                try await fold.addEvents(upTo: .max, session)
                // A log that ends early must not become the truth.
                guard let head = locked.first else {
                    throw LedgerStoreError(.damaged, outcome: .rolledBack, "journal \(journal) has no row in journals")
                }
                if let finding = fold.finding(of: head) { throw finding }
                _ = try await session.query(ClearProjections(journal: journal))
                let rows = ChangedRows(all: fold)
                for part in rows.parts(of: 5_000) {
                    var unit = PipelineBatch()
                    part.append(to: &unit, journal: journal)
                    if !unit.isEmpty { _ = try await session.execute(unit) }
                }
                var closing = PipelineBatch()
                closing.commit()
                _ = try await session.execute(closing)
                return fold.position
            }
        } catch let error as PostgresError {
            throw LedgerStoreError(error)
        }
    }
}

extension ChangedRows {
    /// All rows that a fold gives.
    init(all fold: JournalFold) {
        for (id, state) in fold.states {
            if let account = state.account { accounts.append(account) }
            pots += state.pots.values.map { ProjectionRow(id, $0) }
            grants += state.grants.values.map { ProjectionRow(id, $0) }
            windows += state.windows.map { ProjectionRow(id, RouteWindow(route: $0.key, window: $0.value)) }
            for execution in state.executions.values {
                if let hold = state.holds[execution.holdID] {
                    openRuns.append(ProjectionRow(id, OpenRun(hold: hold, execution: execution)))
                } else {
                    endedExecutions.append(ProjectionRow(id, execution))
                }
            }
            keys += state.keys.values.map { ProjectionRow(id, $0) }
            commands += state.commands.map { ProjectionRow(id, $0) }
            workflows += state.workflows.values.map { ProjectionRow(id, $0) }
            nodeRuns += state.nodeRuns.values.flatMap { $0 }.map { ProjectionRow(id, $0) }
            if let topUp = state.topUp { topUps.append(ProjectionRow(id, topUp)) }
        }
    }

    private init() {}

    /// The same rows in parts of a bounded number of rows a table.
    func parts(of size: Int) -> [ChangedRows] {
        let longest = [accounts.count, pots.count, grants.count, openRuns.count, windows.count, endedExecutions.count]
        let count = max(longest.max() ?? 0, keys.count, commands.count, topUps.count, workflows.count, nodeRuns.count)
        return stride(from: 0, to: count, by: size).map { start in
            func slice<Row>(_ rows: [Row]) -> [Row] { Array(rows.dropFirst(start).prefix(size)) }
            var part = ChangedRows()
            part.accounts = slice(accounts)
            part.pots = slice(pots)
            part.grants = slice(grants)
            part.openRuns = slice(openRuns)
            part.windows = slice(windows)
            part.endedExecutions = slice(endedExecutions)
            part.keys = slice(keys)
            part.commands = slice(commands)
            part.topUps = slice(topUps)
            part.workflows = slice(workflows)
            part.nodeRuns = slice(nodeRuns)
            return part
        }
    }
}
