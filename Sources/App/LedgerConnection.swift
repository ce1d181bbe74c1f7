public import LedgerStore
public import Postgres

/// A client of the ledger's database, and the ledger in it.
public struct LedgerConnection: Sendable {
    /// The client.
    public let client: PostgresClient
    /// The ledger.
    public let store: LedgerStore

    /// How every session of the run path is set up: as the service's role, with plans that never change into a scan, and
    /// with bounds on what may wait.
    public static func configuration(databaseURL: String) throws(PostgresError) -> PostgresConfiguration {
        var configuration = try PostgresConfiguration(url: databaseURL)
        configuration.role = "runledger_service"
        configuration.settings = [
            ("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"),
            ("enable_bitmapscan", "off"), ("enable_material", "off"), ("enable_sort", "off"),
            ("plan_cache_mode", "force_generic_plan"), ("jit", "off"),
            ("synchronous_commit", "on"), ("idle_in_transaction_session_timeout", "30s"),
        ]
        return configuration
    }

    /// Connects and opens the ledger.
    ///
    /// - Throws: a `PostgresError` when the database can't be reached or its schema is not there, a `LedgerStoreError` when
    ///   it holds no ledger.
    public static func open(
        databaseURL: String,
        sessions: Int,
        options: LedgerStore.Options = LedgerStore.Options()
    ) async throws -> LedgerConnection {
        let (client, store) = try await LedgerStore.connect(
            try configuration(databaseURL: databaseURL),
            sessions: sessions,
            clock: { SystemClock.now() },
            options: options
        )
        return LedgerConnection(client: client, store: store)
    }

    /// Finishes what is under way and closes the connections.
    public func close() async {
        await store.close()
        await client.shutdown()
    }
}
