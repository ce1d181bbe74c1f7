public import Ledger
import Postgres

/// Data keys: obtained once by each process, and given up when an account is erased.
extension LedgerStore {
    /// Finds out whether this process has the master key that the ledger's data keys are wrapped with.
    ///
    /// - Throws: `.locked` with a message that names the setting when it has not.
    public func checkMasterKeys() async throws(LedgerStoreError) {
        guard !keyring.isChecked else { return }
        if let foreign = try await ask(FindForeignMaster(masters: keyring.masters.fingerprints)).first {
            throw .foreignMaster(foreign)
        }
        keyring.isChecked = true
    }

    /// An account's data key; nil when it has none, or no longer.
    func findDataKey(of account: AccountID) async throws(LedgerStoreError) -> DataKey? {
        if let key = keyring.known(account) { return key }
        let loading = LoadDataKey(journal: journal(of: account), account: account)
        guard let kept = try await ask(loading).first, let key = try keyring.open(kept, of: account) else { return nil }
        keyring.remember(key)
        return key
    }

    /// An account's data key, made when there is none yet. An account that is erased, or that there is none of, has a key
    /// that nobody keeps.
    func dataKey(of account: AccountID) async throws(LedgerStoreError) -> DataKey {
        let started = ContinuousClock.now
        while true {
            do throws(LedgerStoreError) {
                if let key = try await findDataKey(of: account) { return key }
                try await checkMasterKeys()
                let bytes = DataKey.randomBytes()
                let insertion = InsertDataKey(
                    journal: journal(of: account),
                    account: account,
                    fingerprint: DataKey(bytes, of: account).fingerprint,
                    kept: keyring.wrap(bytes, of: account),
                    now: clock()
                )
                // May be asked again: whichever key is there by then is the account's.
                _ = try await ask(insertion)
                return try await findDataKey(of: account) ?? .passing(for: account)
            } catch {
                // As patient as a batch: a command is not refused because the database restarts.
                guard error.code == .unavailable, started.duration(to: .now) < retryBudget else { throw error }
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Gives up the keys that were destroyed lately, wherever that was decided.
    public func forgetDestroyedKeys() async throws(LedgerStoreError) {
        // Much longer than the pauses between two looks: a key may be read just before it is destroyed.
        keyring.forget(try await ask(LoadDestroyedKeys(moment: clock().adding(seconds: -3_600))))
    }

    /// Wraps every data key with the master key that is set now. Keys that others add meanwhile are wrapped already; run
    /// again, it goes on where it was stopped.
    ///
    /// - Returns: how many were wrapped anew.
    /// - Throws: `.locked` when a key's master key is neither of the two settings.
    public func rewrapDataKeys() async throws(LedgerStoreError) -> Int {
        var count = 0
        for number in 0..<journalCount {
            let journal = JournalID(number)
            var last = AccountID(Identifier128(high: 0, low: 0))
            while true {
                let loading = LoadKeysToRewrap(
                    journal: journal,
                    after: last,
                    master: keyring.masters.current?.fingerprint
                )
                let page = try await ask(loading)
                for row in page {
                    guard let former = row.value.wrapped, let bytes = try keyring.unwrapped(row.value, of: row.account)
                    else { continue }
                    let rewrap = RewrapDataKey(
                        journal: journal,
                        account: row.account,
                        former: former,
                        kept: keyring.wrap(bytes, of: row.account)
                    )
                    count += try await change(rewrap).count
                }
                guard let end = page.last?.account else { break }
                last = end
            }
        }
        return count
    }

    // MARK: Commitments

    /// What an event of an account says in the place of something with a SHA-256: the inputs or the result of a run, as
    /// canonical JSON, or a workflow's document. Whoever has what it was can prove so for as long as the account's key is there.
    ///
    /// - Returns: nil when the key is gone, or there never was one.
    public func commitment(
        of account: AccountID,
        to digest: Digest?
    ) async throws(LedgerStoreError) -> Digest? {
        guard let digest, let key = try await findDataKey(of: account) else { return nil }
        return key.commitment(to: digest)
    }

    // MARK: Texts

    /// The texts that some of an account's events or keys name by commitments, by what stands in their place. Those that were
    /// erased are left out.
    public func privateTexts(
        of account: AccountID,
        in places: some Sequence<String>
    ) async throws(LedgerStoreError) -> [String: String] {
        let commitments = Set(places.compactMap { PrivateText.commitment(in: $0) })
        guard !commitments.isEmpty, let key = try await findDataKey(of: account) else { return [:] }
        let loading = LoadPrivateTexts(
            journal: journal(of: account),
            account: account,
            commitments: Array(commitments)
        )
        var texts: [String: String] = [:]
        for row in try await ask(loading) {
            texts[PrivateText.mark(row.commitment)] = key.open(row.sealed, for: .text(row.commitment))
        }
        return texts
    }
}
