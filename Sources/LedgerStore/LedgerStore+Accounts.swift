public import Ledger
import Postgres

/// What an account's owner is shown: keys and their last use, how the owner can be reached, and the account's runs.
extension LedgerStore {
    // MARK: Keys

    /// The keys of an account with when they were last used, the latest first; nil when there is no such account.
    public func listKeys(
        of account: AccountID
    ) async throws(LedgerStoreError) -> [(key: APIKey, lastUsedAt: Timestamp?)]? {
        let journal = journal(of: account)
        var unit = PipelineBatch()
        unit.begin(.repeatableReadOnly)
        unit.append(LoadAccounts(journal: journal, accounts: [account]))
        unit.append(LoadAccountKeys(journal: journal, account: account))
        unit.commit()
        let results = try await ask(unit)
        let keys: [(key: APIKey, lastUsedAt: Timestamp?)]? = try decoding { () throws(PostgresError) in
            guard try results[1].decode(as: LoadAccounts.self).first != nil else { return nil }
            return try results[2].decode(as: LoadAccountKeys.self)
        }
        guard let keys else { return nil }
        let names = try await privateTexts(of: account, in: keys.map(\.key.name))
        return keys.map { (key: $0.key.named(from: names), lastUsedAt: $0.lastUsedAt) }
    }

    /// Keeps when keys were last used: one statement for each journal that has some of them.
    public func putKeyUses(_ uses: [KeyID: Timestamp]) async throws(LedgerStoreError) {
        let known = uses.filter { (0..<journalCount).contains($0.key.journal.number) }
        for (journal, group) in Dictionary(grouping: known, by: \.key.journal) {
            let sorted = group.map { (key: $0.key, at: $0.value) }.sorted { $0.key < $1.key }
            _ = try await change(PutKeyUses(journal: journal, uses: sorted))
        }
    }

    // MARK: Contacts

    /// Keeps the address of an account's owner, or forgets it. It is in no event, and gone once it is forgotten.
    ///
    /// - Parameters:
    ///   - email: 3 to 254 bytes; nil to forget it.
    ///   - account: the account.
    /// - Returns: whether there was an account to keep it for, or an address to forget.
    public func setContact(_ email: String?, of account: AccountID) async throws(LedgerStoreError) -> Bool {
        let journal = journal(of: account)
        guard let email else { return try await !change(DeleteContact(journal: journal, account: account)).isEmpty }
        let sealed = try await dataKey(of: account).seal(email, for: .email)
        let put = PutContact(journal: journal, account: account, email: sealed, now: clock())
        return try await !change(put).isEmpty
    }

    /// The address of an account's owner; nil when none is kept.
    public func contact(of account: AccountID) async throws(LedgerStoreError) -> String? {
        guard let sealed = try await ask(LoadContact(journal: journal(of: account), account: account)).first else {
            return nil
        }
        return try await findDataKey(of: account).open(sealed, for: .email)
    }

    /// An account, one of its keys, and its owner's address, as they stand at one moment; nil for what is unknown or not
    /// the account's.
    public func readStanding(
        of account: AccountID,
        key: KeyID
    ) async throws(LedgerStoreError) -> (account: Account?, key: APIKey?, email: String?) {
        let journal = journal(of: account)
        var unit = PipelineBatch()
        unit.begin(.repeatableReadOnly)
        unit.append(LoadAccounts(journal: journal, accounts: [account]))
        unit.append(LoadKeys(journal: journal, keys: [key]))
        unit.append(LoadContact(journal: journal, account: account))
        unit.commit()
        let results = try await ask(unit)
        var standing = try decoding { () throws(PostgresError) in
            let keys = try results[2].decode(as: LoadKeys.self)
            return (
                account: try results[1].decode(as: LoadAccounts.self).first,
                key: keys.first { $0.account == account }?.value,
                email: try results[3].decode(as: LoadContact.self).first
            )
        }
        if let sealed = standing.email {
            standing.email = try await findDataKey(of: account).open(sealed, for: .email)
        }
        return standing
    }

    // MARK: Usage

    /// A page of an account's runs, the latest admission first, and how many there are on all pages.
    ///
    /// - Parameters:
    ///   - account: the account.
    ///   - statuses: how far the runs have come; empty for any.
    ///   - model: the runs' model, or one of a workflow's nodes; nil for any.
    ///   - workflow: the slug of the workflow that ran; nil for any run.
    ///   - before: only runs admitted before; they are counted all the same.
    ///   - limit: rows to give.
    ///   - offset: rows to pass over.
    public func usage(
        of account: AccountID,
        statuses: [Execution.Status],
        model: String?,
        workflow: String? = nil,
        before: Timestamp?,
        limit: Int,
        offset: Int
    ) async throws(LedgerStoreError) -> (runs: [Execution], total: Int64) {
        let journal = journal(of: account)
        let count = CountUsage(
            journal: journal,
            account: account,
            statuses: statuses,
            model: model,
            workflow: workflow.map(WorkflowName.of)
        )
        var unit = PipelineBatch()
        unit.begin(.repeatableReadOnly)
        unit.append(LoadUsage(count: count, before: before, limit: limit, offset: offset))
        unit.append(count)
        unit.commit()
        let results = try await ask(unit)
        return try decoding { () throws(PostgresError) in
            (
                runs: try results[1].decode(as: LoadUsage.self),
                total: try results[2].decode(as: CountUsage.self).first ?? 0
            )
        }
    }

    private func decoding<Value>(
        _ body: () throws(PostgresError) -> Value
    ) throws(LedgerStoreError) -> Value {
        do throws(PostgresError) {
            return try body()
        } catch {
            throw LedgerStoreError(.damaged, outcome: .rolledBack, error.description)
        }
    }
}
