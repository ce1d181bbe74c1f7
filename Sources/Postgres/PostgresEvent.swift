/// What a client reports beside the answers to its callers, for logs and metrics.
public enum PostgresEvent: Sendable {
    /// A session stands and its catalogue is prepared.
    case connected(session: Int)
    /// A session's connection is gone; another one is being made.
    case connectionLost(session: Int, PostgresError)
    /// A connection could not be made; the next attempt follows after the wait.
    case connectFailed(session: Int, PostgresError, retryAfter: Duration)
    /// The server sent a notice or warning.
    case notice(PostgresNotice)
}

/// A notice or warning of the server.
public struct PostgresNotice: Sendable, Hashable {
    /// `NOTICE`, `WARNING`, `INFO` …
    public var severity: String
    /// The five-letter SQLSTATE.
    public var sqlState: String
    /// The text.
    public var message: String
}

/// The bounds of a client.
public struct PostgresClientOptions: Sendable {
    /// How many may wait for a session; one more is refused at once with `.overloaded`.
    public var maximumWaiting = 1_024
    /// How long one may wait for a session.
    public var leaseTimeout = Duration.seconds(5)
    /// The deadline of a unit that has none of its own.
    public var unitTimeout = Duration.seconds(60)
    /// How long `shutdown` waits for sessions in use.
    public var shutdownGrace = Duration.seconds(10)
    /// How many bytes of parameters may be queued for the loop thread.
    public var maximumQueuedByteCount = 256 << 20
    /// The first wait before connecting again; doubled up to `reconnectCap`, with jitter.
    public var reconnectBase = Duration.milliseconds(50)
    /// The longest wait before connecting again.
    public var reconnectCap = Duration.seconds(5)
    /// Called on the loop thread for every event; must return at once.
    public var eventHandler: @Sendable (PostgresEvent) -> Void = { _ in }

    /// The defaults.
    public init() {}
}
