public import Ledger
import Postgres

/// Answers under idempotency keys. Operational, as results are: outputs never enter an event.
extension LedgerStore {
    /// The answer that an account's request under a key was given; nil when none is known.
    public func readAnswer(of account: AccountID, key: Digest) async throws(LedgerStoreError) -> RecordedAnswer? {
        guard let kept = try await ask(ReadAnswer(journal: journal(of: account), account: account, key: key)).first
        else { return nil }
        return try await findDataKey(of: account).open(kept, under: key)
    }

    /// The answer that an operator's request was given; nil when none is known, or another was asked for under its id.
    ///
    /// Requests of operators belong to no account: the command's id stands in its place.
    public func operatorAnswer(
        to command: CommandID,
        fingerprint: Digest
    ) async throws(LedgerStoreError) -> RecordedAnswer? {
        try await readAnswer(of: AccountID(command.value), key: fingerprint)
    }

    /// Keeps the answer to an operator's request, unless one is kept already.
    ///
    /// - Returns: the one that is kept now.
    public func keepOperatorAnswer(
        _ answer: RecordedAnswer,
        to command: CommandID,
        fingerprint: Digest,
        request: RequestID?,
        at now: Timestamp
    ) async throws(LedgerStoreError) -> RecordedAnswer {
        let place = AccountID(command.value)
        let claim = IdempotencyClaim(key: fingerprint, fingerprint: fingerprint, executionID: nil, requestID: request)
        _ = try await ask(
            KeepOperatorAnswer(journal: journal(of: place), account: place, claim: claim, answer: answer, now: now)
        )
        return try await readAnswer(of: place, key: fingerprint) ?? answer
    }

    /// Keeps the answer to a run under the key that it was asked for with, unless one is kept already.
    ///
    /// - Returns: the one that is kept now; nil when the key is no longer the run's.
    public func pinAnswer(
        _ answer: RecordedAnswer,
        of account: AccountID,
        key: Digest,
        execution: ExecutionID
    ) async throws(LedgerStoreError) -> RecordedAnswer? {
        let run = ClaimedRun(account: account, key: key, executionID: execution)
        let dataKey = try await dataKey(of: account)
        let sealed = dataKey.seal(answer, under: key)
        // May be sent again: it changes nothing the second time.
        let kept = try await ask(PinAnswer(journal: journal(of: account), run: run, answer: sealed)).first
        return kept.flatMap { DataKey?.some(dataKey).open($0, under: key) }
    }

    /// Forgets keys that were claimed before a moment, at most 1,000 a journal; those of runs under way stay.
    ///
    /// - Returns: how many there were.
    public func purgeClaims(before moment: Timestamp) async throws(LedgerStoreError) -> Int {
        var count = 0
        for number in 0..<journalCount {
            count += try await ask(PurgeClaims(journal: JournalID(number), moment: moment, limit: 1_000)).count
        }
        return count
    }
}
