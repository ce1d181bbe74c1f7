public import Ledger
import Postgres

extension LedgerStore {
    // MARK: Accounts

    /// Up to `limit` accounts after an id, in order of their ids, over all journals.
    public func accounts(after: AccountID?, limit: Int) async throws(LedgerStoreError) -> [Account] {
        let start = after ?? AccountID(Identifier128(high: 0, low: 0))
        let all = try await askJournals { LoadAccountPage(journal: $0, after: start, limit: Int64(limit)) }
        return Array(all.sorted { $0.id < $1.id }.prefix(limit))
    }

    /// The accounts whose low-balance alert stands, the latest first; at most 1,000 of each journal.
    public func alertedAccounts() async throws(LedgerStoreError) -> [Account] {
        let all = try await askJournals { LoadAlerts(journal: $0) }
        return all.sorted {
            ($0.alertRaisedAt?.microseconds ?? 0, $1.id) > ($1.alertRaisedAt?.microseconds ?? 0, $0.id)
        }
    }

    /// An account's pot with an id, and its pots whose refunds could not be taken back; empty ones too.
    public func pots(of account: AccountID, including pot: PotID? = nil) async throws(LedgerStoreError) -> [Pot] {
        try await ask(LoadSomePots(journal: journal(of: account), account: account, pot: pot)).map(\.value)
    }

    /// An account without its pots, grants and keys; nil when there is none.
    public func readAccount(_ account: AccountID) async throws(LedgerStoreError) -> Account? {
        try await ask(LoadAccounts(journal: journal(of: account), accounts: [account])).first
    }

    /// Whose credits were bought with something; nil when nobody's.
    public func account(withReference reference: String) async throws(LedgerStoreError) -> AccountID? {
        try await ask(FindReference(reference: reference)).first
    }

    // MARK: Topping up

    /// How an account is topped up by itself; nil when it never was to be.
    public func topUp(of account: AccountID) async throws(LedgerStoreError) -> AutoTopUp? {
        try await ask(LoadTopUps(journal: journal(of: account), accounts: [account])).first?.value
    }

    /// Accounts that an attempt may be due for at a moment; at most 100 of each journal.
    public func accountsToTopUp(at moment: Timestamp) async throws(LedgerStoreError) -> [AccountID] {
        try await askJournals { LoadDueTopUps(journal: $0, moment: moment) }
    }

    /// Attempts that were started before a moment and whose end is not known; at most 100 of each journal.
    public func openTopUps(
        startedBefore moment: Timestamp
    ) async throws(LedgerStoreError) -> [(account: AccountID, topUp: AutoTopUp)] {
        try await askJournals { LoadOpenTopUps(journal: $0, moment: moment) }.map { ($0.account, $0.value) }
    }

    /// Accounts whose breaker is open; at most 1,000 of each journal.
    public func brokenTopUps() async throws(LedgerStoreError) -> [(account: AccountID, topUp: AutoTopUp)] {
        try await askJournals { LoadBrokenTopUps(journal: $0) }.map { ($0.account, $0.value) }
    }

    /// Asks the same of every journal, in one unit.
    private func askJournals<S: PostgresStatement>(
        _ statement: (JournalID) -> S
    ) async throws(LedgerStoreError) -> [S.Row] {
        var unit = PipelineBatch()
        for number in 0..<journalCount { unit.append(statement(JournalID(number))) }
        let results = try await ask(unit)
        do throws(PostgresError) {
            var rows: [S.Row] = []
            for result in results { rows += try result.decode(as: S.self) }
            return rows
        } catch {
            throw LedgerStoreError(error)
        }
    }

    // MARK: Requests of operators

    /// Keeps what was asked for under a command's id.
    ///
    /// - Returns: whether nothing else was asked for under it before.
    public func keepRequest(
        _ command: CommandID,
        fingerprint: Digest,
        at now: Timestamp
    ) async throws(LedgerStoreError) -> Bool {
        // Its answer may be lost, and asking again keeps the same.
        let statement = KeepOperatorRequest(command: command, fingerprint: fingerprint, now: now)
        // A neighbour that inserts the same id at the same moment is seen by the second look only.
        for _ in 0..<2 {
            if let kept = try await ask(statement).first { return kept == fingerprint }
        }
        return false
    }

    /// Forgets what was asked for under a command's id.
    public func forgetRequest(_ command: CommandID) async throws(LedgerStoreError) {
        _ = try await ask(ForgetOperatorRequest(command: command))
    }

    // MARK: Operators

    /// The operator whose token has a digest; nil when nobody's has.
    public func findOperator(_ digest: Digest) async throws(LedgerStoreError) -> OperatorRecord? {
        try await ask(FindOperator(digest: digest)).first
    }

    /// Every operator, by name.
    public func operators() async throws(LedgerStoreError) -> [OperatorRecord] { try await ask(LoadOperators()) }

    /// Adds an operator; says whether there was none of that name.
    public func addOperator(
        _ record: OperatorRecord,
        digest: Digest,
        by actor: Actor
    ) async throws(LedgerStoreError) -> Bool {
        let entry = OperatorLogEntry(
            recordedAt: record.createdAt,
            actor: actor.description,
            action: "operator.added",
            subject: record.name,
            detail: record.role.rawValue
        )
        let statement = InsertOperator(
            name: record.name,
            role: record.role,
            digest: digest,
            now: record.createdAt
        )
        return try await change(statement, noting: entry)
    }

    /// Takes an operator's token away; says whether there was one of that name.
    public func removeOperator(
        _ name: String,
        by actor: Actor,
        at now: Timestamp
    ) async throws(LedgerStoreError) -> Bool {
        let entry = OperatorLogEntry(
            recordedAt: now,
            actor: actor.description,
            action: "operator.removed",
            subject: name
        )
        return try await change(RemoveOperator(name: name, now: now), noting: entry)
    }

    /// The latest entries of the operators' log, the newest first.
    public func operatorLog(limit: Int) async throws(LedgerStoreError) -> [OperatorLogEntry] {
        try await ask(LoadOperatorLog(limit: Int64(limit)))
    }

    /// Notes something that an operator did.
    ///
    /// - Returns: its place in the log; whatever is noted after that has a greater one.
    public func note(_ entry: OperatorLogEntry) async throws(LedgerStoreError) -> Int64 {
        guard let place = try await ask(NoteOperation(operation: entry)).first else {
            throw LedgerStoreError(.damaged, outcome: .unknown, "the operators' log has not said where an entry is")
        }
        return place
    }

    /// Whether something was noted of a subject after a place in the log. Costs as much as was noted since.
    public func isNoted(
        _ action: String,
        of subject: String,
        after place: Int64
    ) async throws(LedgerStoreError) -> Bool {
        try await ask(FindOperation(action: action, subject: subject, after: place)).first ?? false
    }

    // MARK: Models

    /// Switches a model off or on; says whether it was not switched so before.
    public func switchModel(_ model: ModelSwitch) async throws(LedgerStoreError) -> Bool {
        let entry = OperatorLogEntry(
            recordedAt: model.changedAt,
            actor: model.changedBy,
            action: model.isEnabled ? "model.enabled" : "model.disabled",
            subject: model.model
        )
        return try await change(PutModelSwitch(model: model), noting: entry)
    }

    /// Every switch of a model.
    public func modelSwitches() async throws(LedgerStoreError) -> [ModelSwitch] { try await ask(LoadModelSwitches()) }

    /// Changes something that no event tells of, and notes it in the same transaction, if there is something to change.
    func change<S: PostgresStatement>(
        _ statement: S,
        noting entry: OperatorLogEntry
    ) async throws(LedgerStoreError) -> Bool where S.Row == Bool {
        do {
            return try await client.withSession { session throws(PostgresError) in
                var opening = PipelineBatch()
                opening.begin()
                opening.append(statement)
                let isChanged = try await !session.execute(opening)[1].decode(as: S.self).isEmpty
                var closing = PipelineBatch()
                if isChanged { closing.append(LogOperation(operation: entry)) }
                closing.commit()
                _ = try await session.execute(closing)
                return isChanged
            }
        } catch let error as PostgresError {
            throw LedgerStoreError(error)
        } catch {
            throw LedgerStoreError(.unavailable, outcome: .unknown, "\(error)")
        }
    }

    // MARK: Payments

    /// The payment provider's event with an id; nil when it has not come yet.
    public func paymentEvent(_ id: String) async throws(LedgerStoreError) -> PaymentEventRecord? {
        try await ask(FindPaymentEvent(id: id)).first
    }

    /// Keeps an event of the payment provider; one that is there stays as it is.
    public func keepPaymentEvent(_ event: PaymentEventRecord) async throws(LedgerStoreError) {
        _ = try await ask(InsertPaymentEvent(event: event))
    }

    /// The latest events of the payment provider, the newest first.
    public func paymentEvents(limit: Int) async throws(LedgerStoreError) -> [PaymentEventRecord] {
        try await ask(LoadPaymentEvents(limit: Int64(limit)))
    }
}
