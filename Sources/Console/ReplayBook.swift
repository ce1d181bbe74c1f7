import Ledger
import LedgerStore
import Logging

/// Replays accounts behind the pages, and keeps where it has been.
///
/// What an account had in its pots, grants and windows after an event is the fold of its events up to there, and of nothing
/// less. A page waits for a short history; for a long one it is told how far the replay is, and finds it done a moment later.
/// On the way the state is kept every so often, so that the next moment begins near.
actor ReplayBook {
    /// What a page is given.
    enum Answer: Sendable {
        /// The account as it was.
        case state(LedgerState)
        /// It is being replayed; the events done.
        case pending(Int64)
        /// It can't be replayed.
        case failed(String)
    }

    /// How long a page waits for a replay.
    static let patience = Duration.milliseconds(100)
    /// Events from one state that is kept to the next.
    static let stride: Int64 = 20_000
    /// States that are kept, the latest used.
    static let most = 128
    /// Replays under way at a time.
    static let mostAtOnce = 4

    private struct Place: Hashable {
        let account: AccountID
        let sequence: Int64
    }

    private let store: LedgerStore
    private let logger: Logger
    private var kept: [Place: (state: LedgerState, use: Int)] = [:]
    private var uses = 0
    /// Events done, by what is being replayed.
    private var running: [Place: Int64] = [:]
    private var failures: [Place: String] = [:]

    init(store: LedgerStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// An account as it was after an event.
    func answer(_ account: AccountID, at sequence: Int64) async -> Answer {
        let place = Place(account: account, sequence: sequence)
        if let state = use(place) { return .state(state) }
        if running[place] == nil {
            guard running.count < Self.mostAtOnce else { return .pending(0) }
            running[place] = 0
            failures[place] = nil
            Task { await self.replay(place) }
        }
        let end = ContinuousClock.now.advanced(by: Self.patience)
        while running[place] != nil, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(4)) }
        if let state = use(place) { return .state(state) }
        if let failure = failures.removeValue(forKey: place) { return .failed(failure) }
        return .pending(running[place] ?? 0)
    }

    private func use(_ place: Place) -> LedgerState? {
        guard let state = kept[place]?.state else { return nil }
        uses += 1
        kept[place]?.use = uses
        return state
    }

    private func keep(_ state: LedgerState, _ place: Place) {
        uses += 1
        kept[place] = (state, uses)
        guard kept.count > Self.most, let oldest = kept.min(by: { $0.value.use < $1.value.use }) else { return }
        kept[oldest.key] = nil
    }

    private func replay(_ place: Place) async {
        let before = kept.filter { $0.key.account == place.account && $0.key.sequence <= place.sequence }
        var state = before.max { $0.key.sequence < $1.key.sequence }?.value.state ?? LedgerState()
        do {
            var last = state.account?.sequence ?? 0
            while try await !store.advance(&state, of: place.account, to: place.sequence) {
                state.forgetWhatHasEnded()
                let done = state.account?.sequence ?? 0
                running[place] = done
                if done - last >= Self.stride {
                    keep(state, Place(account: place.account, sequence: done))
                    last = done
                }
            }
            keep(state, place)
        } catch {
            logger.warning(
                "an account can't be replayed",
                metadata: ["account": "\(place.account)", "error": "\(error)"]
            )
            failures[place] = (error as? VerificationFinding)?.description ?? "the ledger did not answer in time"
        }
        running[place] = nil
    }
}

extension LedgerState {
    /// Forgets runs that have ended and that no later event can be about, so that a long replay needs little memory.
    fileprivate mutating func forgetWhatHasEnded() {
        let open = nodeRuns.filter { executions[$0.key]?.status.isEnd == false }
        let nodes = Set(open.values.flatMap { $0.map(\.executionID) })
        // 60 s: what is recorded of a run after its end is recorded with it.
        let recent = (account?.lastRecordedAt.microseconds ?? 0) - 60_000_000
        executions = executions.filter { id, run in
            nodes.contains(id) || (run.endedAt.map { $0.microseconds > recent } ?? true)
        }
        nodeRuns = open
        commands = []
    }
}
