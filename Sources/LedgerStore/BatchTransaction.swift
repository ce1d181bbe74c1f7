import Ledger
import Postgres

/// One batch as one transaction, tried again after a lost connection until its fate is known.
///
/// A commit whose reply was lost is never guessed at: the next attempt takes the journal's lock, which a backend that is
/// still committing holds, and looks whether the event at the batch's first position has the batch's hash.
struct BatchTransaction {
    let journal: JournalID
    let commands: [Command]
    /// What each of them brings that its events may not say.
    let sides: [PrivateSide?]
    let client: PostgresClient
    let clock: JournalClock
    let retryBudget: Duration
    let observer: (any BatchObserver)?
    let onNotice: (@Sendable (Event) -> Void)?

    func run() async throws(LedgerStoreError) -> [Verdict] {
        let started = ContinuousClock.now
        var backoff = Duration.milliseconds(5)
        var uncertain: DecidedBatch?
        while true {
            let attempt = await attempt(resolving: uncertain)
            switch attempt {
            case .committed(let batch):
                observer?.committed(
                    journal: journal.number,
                    commands: commands.count,
                    events: batch.events.count,
                    duration: started.duration(to: .now)
                )
                observer?.decided(commands, batch.verdicts)
                if let onNotice {
                    for event in batch.events where event.content.type.needsNotice { onNotice(event) }
                }
                return batch.verdicts
            case .failed(let error, let batch):
                uncertain = batch
                let isFinal: Bool =
                    switch error.code {
                    case .serverError, .decoding: !error.isTransient
                    case .overloaded, .closed: true
                    default: false
                    }
                if isFinal, uncertain == nil { throw LedgerStoreError(withoutTrace: error) }
                guard started.duration(to: .now) < retryBudget else {
                    let outcome: PostgresError.Outcome = uncertain == nil ? .rolledBack : .unknown
                    throw LedgerStoreError(.unavailable, outcome: outcome, error.description)
                }
            }
            // Not cancellable: a caller that has gone does not change what its command has done.
            try? await Task.sleep(for: backoff)
            backoff = min(backoff * 2, .milliseconds(500))
        }
    }

    private enum Attempt {
        case committed(DecidedBatch)
        /// With the batch, of this attempt or an earlier one, that may have been committed.
        case failed(PostgresError, DecidedBatch?)
    }

    private func attempt(resolving uncertain: DecidedBatch?) async -> Attempt {
        var inDoubt = uncertain
        do {
            return try await client.withSession { session throws(PostgresError) in
                let needs = BatchNeeds(commands)
                var loaded = try await needs.read(
                    in: journal,
                    session: session,
                    resolving: uncertain?.events.first?.position
                )
                if let uncertain, let hash = uncertain.events.first?.hash, hash == loaded.resolvedHash {
                    _ = try? await session.execute(Self.rollback)
                    return .committed(uncertain)
                }
                // The lock is ours and the event is not there: it never will be.
                inDoubt = nil
                var batch = DecidedBatch(commands, sides, journal: journal, loaded: loaded, at: clock())
                if !batch.accountsInDoubt.isEmpty {
                    loaded = try await reload(needs, session)
                    batch = DecidedBatch(commands, sides, journal: journal, loaded: loaded, at: clock())
                }
                try await ensurePartitions(from: loaded.head.position, to: batch.head.position, session)
                do throws(PostgresError) {
                    try await batch.write(on: session)
                } catch {
                    if error.outcome == .unknown, !batch.events.isEmpty { inDoubt = batch }
                    throw error
                }
                return .committed(batch)
            }
        } catch let error as PostgresError {
            return .failed(error, inDoubt)
        } catch {
            let error = PostgresError(code: .protocolViolation, outcome: .unknown, message: "\(error)")
            return .failed(error, inDoubt)
        }
    }

    private static var rollback: PipelineBatch {
        var unit = PipelineBatch()
        unit.rollback()
        return unit
    }

    /// Reads again under the same lock, now with the open holds that have expired: those do not count against a run.
    private func reload(_ needs: BatchNeeds, _ session: PostgresSession) async throws(PostgresError) -> LoadedBatch {
        try await needs.read(in: journal, session: session, resolving: nil, expiredBy: clock(), opening: false)
    }

    /// Partitions are made well before they are needed: when a batch crosses into the second half of one.
    private func ensurePartitions(
        from old: Int64,
        to new: Int64,
        _ session: PostgresSession
    ) async throws(PostgresError) {
        let half: Int64 = 8_388_608
        guard old / half != new / half else { return }
        _ = try await session.query(EnsureEventPartitions(position: new + 4 * half))
    }
}

extension EventType {
    /// Whether somebody should look at an event of this type.
    fileprivate var needsNotice: Bool {
        switch self {
        case .alertRaised, .creditsShort, .topUpFailed: true
        default: false
        }
    }
}

extension PostgresError {
    /// Whether the server's refusal says nothing about the statements: it is stopping, starting, or out of a resource,
    /// two transactions stood in each other's way, or somebody or a timeout cancelled the statement.
    var isTransient: Bool {
        guard let sqlState else { return false }
        return isFatal || ["57P01", "57P02", "57P03", "57014", "40001", "40P01", "55P03", "25006"].contains(sqlState)
            || sqlState.hasPrefix("53") || sqlState.hasPrefix("08")
    }
}
