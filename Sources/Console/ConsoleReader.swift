public import Ledger
import LedgerStore
public import Postgres

/// What the pages read with: sessions that can't write, as the database's role `runledger_console`.
public struct ConsoleReader: Sendable {
    /// The sessions.
    let client: PostgresClient
    /// The ledger over them; asked for what it knows how to read.
    let store: LedgerStore
    /// How to connect for what reads the ledger as a whole.
    let reporting: PostgresConfiguration
    /// How to connect for an export.
    let exporting: PostgresConfiguration

    static let statements: [any PostgresStatement.Type] = [
        ListAccounts.self, FindKeyOwner.self, FindRunOwner.self, ListOpenRuns.self, CountOpenRuns.self,
        ReadTimeline.self, FindSequence.self, SampleBalances.self, ReadRunEvents.self,
        ReadHeads.self, ReadTail.self, FindPosition.self, CountEvents.self, ReadFenceFaults.self,
        ReadLatestCheckpoints.self, ReadClosedMonths.self, ReadBeginning.self,
    ]

    /// How its sessions are set up: read-only, as a role that may only read, and cut off after five seconds.
    public static func configuration(databaseURL: String) throws(PostgresError) -> PostgresConfiguration {
        var configuration = try readOnly(databaseURL, timeout: "5s")
        configuration.settings += [
            // An account of a million events and one of ten need different plans.
            ("plan_cache_mode", "force_custom_plan"), ("random_page_cost", "1.1"),
            // Pages are slices of an index in its order. Tables that were never analyzed would be read whole and sorted.
            ("enable_seqscan", "off"), ("enable_bitmapscan", "off"),
        ]
        return configuration
    }

    /// The same for what reads much at a time, and text as `psql` prints it.
    private static func scanning(databaseURL: String, timeout: String) throws(PostgresError) -> PostgresConfiguration {
        var configuration = try readOnly(databaseURL, timeout: timeout)
        configuration.settings += [("TimeZone", "UTC"), ("DateStyle", "ISO, YMD")]
        return configuration
    }

    private static func readOnly(_ databaseURL: String, timeout: String) throws(PostgresError) -> PostgresConfiguration
    {
        var configuration = try PostgresConfiguration(url: databaseURL)
        configuration.applicationName = "runledger console"
        configuration.role = "runledger_console"
        configuration.settings = [
            ("default_transaction_read_only", "on"), ("statement_timeout", timeout), ("lock_timeout", "1s"),
            ("idle_in_transaction_session_timeout", "10s"), ("jit", "off"),
        ]
        return configuration
    }

    /// Connects.
    ///
    /// - Throws: a `PostgresError` when the database can't be reached or the login is no member of `runledger_console`, a
    ///   `LedgerStoreError` when it holds no ledger.
    public static func open(
        databaseURL: String,
        sessions: Int = 2,
        clock: @escaping @Sendable () -> Timestamp
    ) async throws -> ConsoleReader {
        let (client, store) = try await LedgerStore.connect(
            try configuration(databaseURL: databaseURL),
            with: statements,
            sessions: sessions,
            clock: clock
        )
        return ConsoleReader(
            client: client,
            store: store,
            // The books by month of ten million events take less than a minute.
            reporting: try scanning(databaseURL: databaseURL, timeout: "120s"),
            exporting: try scanning(databaseURL: databaseURL, timeout: "20s")
        )
    }

    /// Closes the sessions.
    public func close() async {
        await store.close()
        await client.shutdown()
    }

    /// Where an account is.
    func place(of account: AccountID) -> AccountPlace {
        AccountPlace(journal: account.journal(of: store.journalCount), account: account)
    }

    func ask<S: PostgresStatement>(_ statement: S) async throws(PostgresError) -> [S.Row] {
        try await client.query(statement)
    }
}
