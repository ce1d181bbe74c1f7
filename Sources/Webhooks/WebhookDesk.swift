public import Egress
public import Ledger
public import LedgerStore
import Postgres
public import Runs

/// The webhooks of keys, in the ledger's database.
public struct WebhookDesk: WebhookAdministration, WebhookDirectory {
    private let store: LedgerStore
    private let client: EgressClient
    private let identifiers: IdentifierSource
    private let clock: @Sendable () -> Timestamp

    /// Makes a desk.
    ///
    /// - Parameters:
    ///   - store: the ledger.
    ///   - client: checks URLs, under the policy that deliveries go by.
    ///   - clock: the wall clock; the one that runs are admitted by.
    public init(store: LedgerStore, client: EgressClient, clock: @escaping @Sendable () -> Timestamp) {
        self.store = store
        self.client = client
        self.identifiers = IdentifierSource(clock: clock)
        self.clock = clock
    }

    /// The policy for webhooks: as for other addresses that customers name, and https only unless loopback is allowed.
    public static func policy(_ base: EgressPolicy) -> EgressPolicy {
        var policy = base
        if !base.allowsLoopback { policy.schemes = ["https"] }
        return policy
    }

    /// A key's webhook.
    public func webhook(of key: KeyID) async throws(WebhookRefusal) -> WebhookSettings {
        _ = try await record(of: key)
        return WebhookSettings(try await version(of: key), newSecret: nil)
    }

    /// Where the end of an asynchronous run is reported to, by the webhook that was in force when it was admitted.
    public func destination(
        of execution: ExecutionID,
        key: KeyID,
        admittedAt: Timestamp,
        within time: Duration
    ) async -> ReportDestination {
        // Not a child: a read that is under way can't be broken off, and the answer does not wait for it.
        let (answers, answer) = AsyncStream.makeStream(of: ReportDestination.self, bufferingPolicy: .bufferingNewest(1))
        Task { [store] in
            let found = try? await store.destination(of: execution, key: key, admittedAt: admittedAt)
            answer.yield(found.map(ReportDestination.init) ?? .unknown)
        }
        return await withTaskGroup(of: ReportDestination.self) { group in
            group.addTask {
                for await destination in answers { return destination }
                return .unknown
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return .unknown
            }
            let first = await group.next() ?? .unknown
            group.cancelAll()
            return first
        }
    }

    private static func mayReceive(_ record: LedgerStore.KeyRecord) -> Bool {
        Capability("webhook:receive")?.covering(in: record.key.capabilities) != nil
    }

    /// Sets a key's webhook.
    public func setWebhook(
        of key: KeyID,
        url: String,
        secret: String?
    ) async throws(WebhookRefusal) -> WebhookSettings {
        let record = try await record(of: key)
        guard Self.mayReceive(record) else { throw .notCapable }
        let before = try await reading { () async throws(LedgerStoreError) in try await store.webhook(of: key) }
        var made: WebhookSecret?
        let text: String
        if let secret {
            guard let taken = WebhookSecret(secret) else {
                let form = "16 to 256 printable ASCII characters; after `whsec_`, base64 of 24 to 64 bytes"
                throw .invalid(path: "/secret", message: "the secret must be \(form)")
            }
            text = taken.text
        } else if let before {
            text = before.secret
        } else {
            var generator = SystemRandomNumberGenerator()
            let new = WebhookSecret.make(using: &generator)
            made = new
            text = new.text
        }
        do throws(EgressError) {
            try await client.check(url, deadline: .now + .seconds(10))
        } catch {
            throw .invalid(path: "/url", message: error.reason)
        }
        let now = clock()
        _ = try await reading { () async throws(LedgerStoreError) in
            try await store.putWebhook(of: key, account: record.accountID, url: url, secret: text, at: now)
        }
        return WebhookSettings(url: url, validFrom: now, disabledAt: nil, newSecret: made?.text)
    }

    /// Takes a key's webhook away.
    public func removeWebhook(of key: KeyID) async throws(WebhookRefusal) {
        _ = try await record(of: key)
        let now = clock()
        let existed = try await reading { () async throws(LedgerStoreError) in
            try await store.removeWebhook(of: key, at: now)
        }
        guard existed else { throw .noWebhook }
    }

    /// Has a test event delivered.
    public func testWebhook(
        of key: KeyID,
        for request: Digest? = nil
    ) async throws(WebhookRefusal) -> Identifier128 {
        let record = try await record(of: key)
        let version = try await version(of: key)
        let id =
            request.map { digest in
                Identifier128(unixMilliseconds: digest.words.0, journal: key.journal, random: digest.words.1)
            } ?? identifiers.next(in: key.journal)
        let now = clock()
        _ = try await reading { () async throws(LedgerStoreError) in
            try await store.addTestDelivery(id, of: key, version: version.number, account: record.accountID, at: now)
        }
        return id
    }

    /// The latest deliveries.
    public func deliveries(of key: KeyID, limit: Int) async throws(WebhookRefusal) -> [WebhookDelivery] {
        _ = try await record(of: key)
        let records = try await reading { () async throws(LedgerStoreError) in
            try await store.deliveries(of: key, limit: limit)
        }
        return records.map(WebhookDelivery.init)
    }

    private func record(of key: KeyID) async throws(WebhookRefusal) -> LedgerStore.KeyRecord {
        let record = try await reading { () async throws(LedgerStoreError) in try await store.key(key) }
        guard let record, record.key.revokedAt == nil else { throw .noKey }
        return record
    }

    private func version(of key: KeyID) async throws(WebhookRefusal) -> WebhookVersion {
        let version = try await reading { () async throws(LedgerStoreError) in try await store.webhook(of: key) }
        guard let version else { throw .noWebhook }
        return version
    }

    private func reading<Value>(
        _ body: () async throws(LedgerStoreError) -> Value
    ) async throws(WebhookRefusal) -> Value {
        do throws(LedgerStoreError) {
            return try await body()
        } catch {
            if error.code == .overloaded { throw .unavailable(.overloaded) }
            let mayHaveHappened = error.outcome == .unknown
            throw .unavailable(.unavailable(mayHaveHappened: mayHaveHappened, reason: error.description))
        }
    }
}

extension WebhookSettings {
    fileprivate init(_ version: WebhookVersion, newSecret: String?) {
        self.init(
            url: version.url,
            validFrom: version.validFrom,
            disabledAt: version.disabledAt,
            newSecret: newSecret
        )
    }
}

extension ReportDestination {
    fileprivate init(_ record: DestinationRecord) {
        guard let url = record.url else {
            self = .none
            return
        }
        let report = record.state.map { state in
            Report(state: state.rawValue, attempts: record.attempts, nextAttemptAt: record.nextAttemptAt)
        }
        self = .url(url, report: report)
    }
}

extension WebhookDelivery {
    fileprivate init(_ record: DeliveryRecord) {
        self.init(
            id: "msg_\(record.id)",
            event: record.event,
            executionID: record.executionID,
            state: record.state.rawValue,
            createdAt: record.createdAt,
            nextAttemptAt: record.nextAttemptAt,
            attempts: record.attempts
        )
    }
}
