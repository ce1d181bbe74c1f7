public import Ledger

/// Whoever keeps the webhooks of keys, for the routes that operators and, later, signed-in customers use.
public protocol WebhookAdministration: Sendable {
    /// A key's webhook.
    func webhook(of key: KeyID) async throws(WebhookRefusal) -> WebhookSettings
    /// Sets a key's webhook for the runs that are admitted from now on. Without a secret, the one before stays, and the
    /// first is made.
    func setWebhook(of key: KeyID, url: String, secret: String?) async throws(WebhookRefusal) -> WebhookSettings
    /// Takes a key's webhook away for the runs that are admitted from now on.
    func removeWebhook(of key: KeyID) async throws(WebhookRefusal)
    /// Has a test event delivered; returns the delivery's id.
    ///
    /// - Parameter request: what makes the request known again, under which one is delivered; nil for a new one each time.
    func testWebhook(of key: KeyID, for request: Digest?) async throws(WebhookRefusal) -> Identifier128
    /// The latest deliveries, the newest first.
    func deliveries(of key: KeyID, limit: Int) async throws(WebhookRefusal) -> [WebhookDelivery]
}

/// A key's webhook as it is shown.
public struct WebhookSettings: Hashable, Sendable {
    /// Where reports go.
    public let url: String
    /// From when.
    public let validFrom: Timestamp
    /// Since when its receiver wants no more.
    public let disabledAt: Timestamp?
    /// The secret, where it was made just now; never shown again.
    public let newSecret: String?

    /// Makes settings.
    public init(url: String, validFrom: Timestamp, disabledAt: Timestamp?, newSecret: String?) {
        self.url = url
        self.validFrom = validFrom
        self.disabledAt = disabledAt
        self.newSecret = newSecret
    }
}

/// A delivery as a log shows it.
public struct WebhookDelivery: Hashable, Sendable {
    /// Its id, as the receiver knows it.
    public let id: String
    /// What it reports.
    public let event: String
    /// The run it reports.
    public let executionID: ExecutionID?
    /// `waiting`, `delivered`, `failed` or `disabled`.
    public let state: String
    /// When it was made.
    public let createdAt: Timestamp
    /// When it is tried again.
    public let nextAttemptAt: Timestamp?
    /// The attempts so far.
    public let attempts: [DeliveryAttempt]

    /// Makes a delivery.
    public init(
        id: String,
        event: String,
        executionID: ExecutionID?,
        state: String,
        createdAt: Timestamp,
        nextAttemptAt: Timestamp?,
        attempts: [DeliveryAttempt]
    ) {
        self.id = id
        self.event = event
        self.executionID = executionID
        self.state = state
        self.createdAt = createdAt
        self.nextAttemptAt = nextAttemptAt
        self.attempts = attempts
    }
}

/// Why a webhook was not shown or changed.
public enum WebhookRefusal: Error, Hashable, Sendable {
    /// There is no such key, or it was revoked.
    case noKey
    /// The key has no webhook.
    case noWebhook
    /// The key may not receive.
    case notCapable
    /// The URL or the secret can't be taken.
    case invalid(path: String, message: String)
    /// The ledger can't be asked now.
    case unavailable(LedgerFailure)
}
