public import Ledger
import Postgres

extension LedgerStore {
    // MARK: Settings

    /// The version of a key's webhook that is in force; nil when it has none.
    public func webhook(of key: KeyID) async throws(LedgerStoreError) -> WebhookVersion? {
        guard (0..<journalCount).contains(key.journal.number) else { return nil }
        guard let row = try await ask(LoadWebhook(journal: key.journal, key: key)).first else { return nil }
        let dataKey = try await findDataKey(of: row.account)
        guard let url = dataKey.open(row.version.url, for: .webhookURL(key)),
            let secret = dataKey.open(row.version.secret, for: .webhookSecret(key))
        else { return nil }
        return row.version.with(url: url, secret: secret)
    }

    /// Puts a webhook in force for the runs of a key that are admitted from now on.
    public func putWebhook(
        of key: KeyID,
        account: AccountID,
        url: String,
        secret: String,
        at now: Timestamp
    ) async throws(LedgerStoreError) {
        let journal = key.journal
        let dataKey = try await dataKey(of: account)
        let (url, secret) = (dataKey.seal(url, for: .webhookURL(key)), dataKey.seal(secret, for: .webhookSecret(key)))
        var unit = PipelineBatch()
        unit.begin()
        // First, so that the row of the version in force is locked before the next number is read.
        unit.append(EndWebhook(journal: journal, key: key, now: now))
        unit.append(PutWebhook(journal: journal, key: key, account: account, url: url, secret: secret, now: now))
        unit.commit()
        _ = try await tell(unit)
    }

    /// Ends a key's webhook for the runs that are admitted from now on; says whether there was one.
    public func removeWebhook(of key: KeyID, at now: Timestamp) async throws(LedgerStoreError) -> Bool {
        guard (0..<journalCount).contains(key.journal.number) else { return false }
        var unit = PipelineBatch()
        unit.append(EndWebhook(journal: key.journal, key: key, now: now))
        let results = try await tell(unit)
        do throws(PostgresError) {
            return try !results[0].decode(as: EndWebhook.self).isEmpty
        } catch {
            throw LedgerStoreError(error)
        }
    }

    /// Where the end of an asynchronous run is reported to, by the version that was in force when it was admitted.
    public func destination(
        of execution: ExecutionID,
        key: KeyID,
        admittedAt: Timestamp
    ) async throws(LedgerStoreError) -> DestinationRecord {
        let nowhere = DestinationRecord(url: nil, state: nil, attempts: 0, nextAttemptAt: nil)
        guard (0..<journalCount).contains(key.journal.number) else { return nowhere }
        let reading = ReadDestination(journal: key.journal, key: key, execution: execution, admittedAt: admittedAt)
        guard let row = try await ask(reading).first else { return nowhere }
        let url = try await findDataKey(of: row.account).open(row.url, for: .webhookURL(key))
        return DestinationRecord(
            url: url,
            state: row.state,
            attempts: row.attempts,
            nextAttemptAt: row.nextAttemptAt
        )
    }

    // MARK: Deliveries

    /// Makes a delivery of the event `webhook.test`, unless it was made already.
    public func addTestDelivery(
        _ id: Identifier128,
        of key: KeyID,
        version: Int32,
        account: AccountID,
        at now: Timestamp
    ) async throws(LedgerStoreError) {
        var unit = PipelineBatch()
        unit.append(
            InsertTestDelivery(journal: key.journal, id: id, key: key, version: version, account: account, now: now)
        )
        _ = try await tell(unit)
    }

    /// Turns the ends of asynchronous runs among a journal's next positions into deliveries.
    ///
    /// - Parameters:
    ///   - journal: the journal.
    ///   - positions: how many positions are looked at.
    /// - Returns: how far the checkpoint moved, and how many deliveries were made; zeros when there is nothing new or another
    ///   process is at it.
    public func projectWebhooks(
        in journal: JournalID,
        positions: Int64
    ) async throws(LedgerStoreError) -> (positions: Int64, deliveries: Int64) {
        var unit = PipelineBatch()
        unit.begin()
        unit.append(EnsureWebhookCheckpoint(journal: journal))
        unit.append(ProjectWebhooks(journal: journal, positions: positions))
        unit.commit()
        let results = try await tell(unit)
        do throws(PostgresError) {
            return try results[2].decode(as: ProjectWebhooks.self).first ?? (0, 0)
        } catch {
            throw LedgerStoreError(error)
        }
    }

    /// Claims due deliveries of a journal; the claim on each ends at a moment, after which others may claim it.
    ///
    /// - Parameters:
    ///   - journal: the journal.
    ///   - instance: the process that claims.
    ///   - now: what is due by then.
    ///   - until: when the claims end.
    ///   - limit: how many at most.
    ///   - busyKeys: keys whose deliveries are left alone.
    public func claimDeliveries(
        in journal: JournalID,
        by instance: Int64,
        at now: Timestamp,
        until: Timestamp,
        limit: Int,
        passingOver busyKeys: [KeyID] = []
    ) async throws(LedgerStoreError) -> [ClaimedDelivery] {
        var unit = PipelineBatch()
        unit.append(EndAbandonedDeliveries(journal: journal, now: now))
        unit.append(
            ClaimDeliveries(
                journal: journal,
                now: now,
                limit: limit,
                until: until,
                busyKeys: busyKeys,
                instance: instance
            )
        )
        let results = try await tell(unit)
        let claimed: [ClaimedDelivery]
        do throws(PostgresError) {
            claimed = try results[1].decode(as: ClaimDeliveries.self)
        } catch {
            throw LedgerStoreError(error)
        }
        var opened: [ClaimedDelivery] = []
        for delivery in claimed {
            // What was erased meanwhile is reported to nobody.
            if let delivery = delivery.opened(by: try await findDataKey(of: delivery.account)) {
                opened.append(delivery)
            }
        }
        return opened
    }

    /// The processes that have deliveries.
    public func readDeliveryHolders() async throws(LedgerStoreError) -> Set<Int64> {
        var holders: Set<Int64> = []
        for number in 0..<journalCount {
            holders.formUnion(try await ask(ReadDeliveryHolders(journal: JournalID(number))))
        }
        return holders
    }

    /// Makes the deliveries of processes that are gone due at a moment.
    ///
    /// - Returns: how many there were.
    public func freeDeliveries(instances: Set<Int64>, at now: Timestamp) async throws(LedgerStoreError) -> Int {
        var count = 0
        for number in 0..<journalCount {
            var unit = PipelineBatch()
            unit.append(FreeDeliveries(journal: JournalID(number), instances: Array(instances), now: now))
            let results = try await tell(unit)
            do throws(PostgresError) {
                count += try results[0].decode(as: FreeDeliveries.self).count
            } catch {
                throw LedgerStoreError(error)
            }
        }
        return count
    }

    /// Keeps what became of an attempt; nothing happens when somebody else has claimed the delivery meanwhile.
    ///
    /// - Parameters:
    ///   - attempt: the attempt.
    ///   - delivery: whose attempt it is.
    ///   - state: what has become of the delivery; `disabled` turns its webhook off, too.
    ///   - nextAttemptAt: when a delivery that waits is tried again.
    ///   - now: when it ended, unless it waits.
    public func record(
        _ attempt: DeliveryAttempt,
        of delivery: ClaimedDelivery,
        state: DeliveryState,
        nextAttemptAt: Timestamp?,
        at now: Timestamp
    ) async throws(LedgerStoreError) {
        precondition((state == .waiting) == (nextAttemptAt != nil), "what waits, waits for a moment")
        var unit = PipelineBatch()
        unit.begin()
        unit.append(
            PutAttempt(
                journal: delivery.key.journal,
                id: delivery.id,
                attempt: attempt,
                state: state,
                nextAttemptAt: nextAttemptAt,
                endedAt: state == .waiting ? nil : now
            )
        )
        if state == .disabled {
            unit.append(
                DisableWebhook(
                    journal: delivery.key.journal,
                    key: delivery.key,
                    version: delivery.version,
                    now: now
                )
            )
        }
        unit.commit()
        _ = try await tell(unit)
    }

    /// The latest deliveries of a key with their attempts, the newest first.
    public func deliveries(of key: KeyID, limit: Int) async throws(LedgerStoreError) -> [DeliveryRecord] {
        guard (0..<journalCount).contains(key.journal.number) else { return [] }
        var records = try await ask(LoadDeliveries(journal: key.journal, key: key, limit: limit))
        let attempts = try await ask(LoadAttempts(journal: key.journal, deliveries: records.map(\.id)))
        let byDelivery = Dictionary(grouping: attempts) { $0.0 }
        for index in records.indices { records[index].attempts = byDelivery[records[index].id]?.map(\.1) ?? [] }
        return records
    }

    /// Changes something; a change whose answer was lost may have happened.
    private func tell(_ unit: PipelineBatch) async throws(LedgerStoreError) -> [PostgresResult] {
        do throws(PostgresError) {
            return try await client.execute(unit)
        } catch {
            throw LedgerStoreError(error)
        }
    }
}
