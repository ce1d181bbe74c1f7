import App
import Ledger
import LedgerStore
import Operations
import Registry

/// The last acts: the customer's history, and the check of the whole ledger.
struct Audit: Sendable {
    let connection: LedgerConnection
    let cast: Cast
    let stage: Stage

    /// Shows the history without the events that every request writes.
    func showHistory() async throws {
        let table = HistoryTable(indent: 2, isCompact: true, terminal: stage.terminal)
        stage.terminal.line(table.heading)
        var routine = 0
        let state = try await connection.store.replay(cast.customer) { event, state in
            let entry = HistoryEntry(event, after: state)
            if entry.isRoutine { routine += 1 } else { stage.terminal.line(table.row(entry)) }
        }
        guard let account = state.account else { return }
        stage.line()
        stage.line(
            "Balance \(stage.terminal.styled("\(account.posted)", .bold)), on hold \(account.held) for the run whose "
                + "answer was lost, available \(stage.terminal.styled("\(account.available)", .bold))."
        )
        stage.quiet("Not shown: \(Numbers.count(routine, "event")) of requests received, allowed and counted.")
    }

    /// Checks everything, and compares with what the provider says it did.
    func verify(simulatorCount: JSONValue) async throws {
        let start = ContinuousClock.now
        let report = try await connection.store.verify { count in
            stage.terminal.passing("  … \(Numbers.count(count, "event"))")
        }
        stage.terminal.clearPassing()
        guard report.isClean else {
            throw OperationError(
                .negative,
                "The ledger's verification found damage.",
                excerpt: report.findings.map(\.description).joined(separator: "\n")
            )
        }
        let time = stage.terminal.styled(Numbers.elapsed(.now - start), .dim)
        let extent = "\(Numbers.count(report.events, "event")) in \(Numbers.count(report.journals, "journal"))"
        stage.passed("\(extent): no gap, every hash and every chain is right  \(time)")
        stage.passed("Every row of \(Numbers.count(report.accounts, "account")) is what its events add up to.")
        let asked = simulatorCount["total"]?.integerValue ?? 0
        let distinct = simulatorCount["distinct"]?.integerValue ?? 0
        let dispatched = try await dispatchedCount()
        guard asked == distinct, asked == dispatched else {
            throw OperationError(
                .negative,
                "The provider counts \(asked) requests for \(distinct) runs, and the ledger \(dispatched) runs."
            )
        }
        stage.passed(
            "The provider was asked for \(Numbers.count(asked, "run")), the same as the ledger has, none twice."
        )
        stage.passed(
            "\(Numbers.count(report.unresolvedExecutions, "run")) unresolved: the hold stands until the truth is known."
        )
    }

    private func dispatchedCount() async throws -> Int64 {
        let state = try await connection.store.replay(cast.customer)
        return Int64(state.executions.count)
    }
}
