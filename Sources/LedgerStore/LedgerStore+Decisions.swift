public import Ledger

/// What a replay of decisions covered, and the first event of each account that the rules would not have recorded.
public struct DecisionReport: Sendable {
    /// Events read.
    public internal(set) var events: Int64 = 0
    /// Commands decided again.
    public internal(set) var commands: Int64 = 0
    /// How they were decided: the code of a refusal, `admitted`, or the type of the event that says it.
    public internal(set) var verdicts: [String: Int64] = [:]
    /// What the rules would not have recorded, in the order in which it was found.
    public internal(set) var findings: [DecisionFinding] = []
    /// Nothing covered yet.
    public init() {}
    /// Whether every verdict was reached again.
    public var isClean: Bool { findings.isEmpty }

    mutating func add(_ replay: DecisionReplay) {
        commands += replay.commands
        verdicts.merge(replay.verdicts, uniquingKeysWith: +)
    }
}

extension LedgerStore {
    /// Decides every recorded command of the ledger, or of one account, again. Changes nothing.
    ///
    /// Whether the events are what was recorded is for ``verify(progress:)`` to say; this says whether they follow from the
    /// rules of this program.
    ///
    /// - Parameter progress: called after each page of events with the number of events read so far.
    public func replayDecisions(
        of account: AccountID? = nil,
        progress: @Sendable (Int64) -> Void = { _ in }
    ) async throws(LedgerStoreError) -> DecisionReport {
        var report = DecisionReport()
        if let account {
            try await replayDecisions(of: [account: DecisionReplay()], &report, progress) {
                (last: Event?) async throws(LedgerStoreError) in
                try await events(of: account, after: last?.sequence ?? 0)
            }
            return report
        }
        for number in 0..<journalCount {
            try await replayDecisions(of: [:], &report, progress) { (last: Event?) async throws(LedgerStoreError) in
                try await events(in: JournalID(number), after: last?.position ?? 0, limit: 5_000)
            }
        }
        return report
    }

    private func replayDecisions(
        of accounts: [AccountID: DecisionReplay],
        _ report: inout DecisionReport,
        _ progress: (Int64) -> Void,
        _ nextPage: (Event?) async throws(LedgerStoreError) -> [Event]
    ) async throws(LedgerStoreError) {
        var replays = accounts
        var stopped: Set<AccountID> = []
        var last: Event?
        while true {
            let page = try await nextPage(last)
            guard !page.isEmpty else { break }
            last = page.last
            for event in page where !stopped.contains(event.content.accountID) {
                do throws(DecisionFinding) {
                    try replays[event.content.accountID, default: DecisionReplay()].add(event)
                } catch {
                    report.findings.append(error)
                    stopped.insert(event.content.accountID)
                }
            }
            report.events += Int64(page.count)
            progress(report.events)
        }
        for (account, replay) in replays {
            var replay = replay
            if !stopped.contains(account) {
                do throws(DecisionFinding) {
                    try replay.finish()
                } catch {
                    report.findings.append(error)
                }
            }
            report.add(replay)
        }
    }
}
