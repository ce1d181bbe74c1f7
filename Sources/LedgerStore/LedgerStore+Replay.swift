public import Ledger

extension LedgerStore {
    /// Where a replay stops.
    public enum ReplayEnd: Hashable, Sendable {
        /// At the last event there is.
        case now
        /// At the last event recorded by a moment.
        case time(Timestamp)
        /// At an event of the account's stream.
        case sequence(Int64)
        /// At the account's last event at or before a position of its journal.
        case position(Int64)

        func includes(_ event: Event) -> Bool {
            switch self {
            case .now: true
            case .time(let moment): event.content.recordedAt <= moment
            case .sequence(let last): event.sequence <= last
            case .position(let last): event.position <= last
            }
        }
    }

    /// Replays an account's history through the fold, with the account as it was after each event.
    ///
    /// - Parameters:
    ///   - account: whose history.
    ///   - end: where to stop.
    ///   - visit: called with each event and the state after it.
    /// - Returns: the state at the end; nothing known when the account has no events by then.
    /// - Throws: a `VerificationFinding` when an event is not what was recorded or can't follow from the ones before, or a
    ///   `LedgerStoreError`.
    public func replay(
        _ account: AccountID,
        to end: ReplayEnd = .now,
        visit: (Event, LedgerState) throws -> Void = { _, _ in }
    ) async throws -> LedgerState {
        var state = LedgerState()
        while true {
            let page = try await events(of: account, after: state.account?.sequence ?? 0)
            for event in page {
                guard end.includes(event) else { return state }
                try state.fold(event)
                try visit(event, state)
            }
            if page.count < 1_000 { return state }
        }
    }

    /// Goes on with a replay by at most 1,000 events, so that whoever replays a long history can say how far it is.
    ///
    /// - Parameters:
    ///   - state: the account as it was after an event; nothing known to begin with.
    ///   - account: whose history.
    ///   - last: the sequence to stop at.
    /// - Returns: whether it has come there, or to the stream's end.
    /// - Throws: as `replay`.
    public func advance(_ state: inout LedgerState, of account: AccountID, to last: Int64) async throws -> Bool {
        let page = try await events(of: account, after: state.account?.sequence ?? 0)
        for event in page {
            guard event.sequence <= last else { return true }
            try state.fold(event)
        }
        return page.count < 1_000 || state.account?.sequence == last
    }
}
