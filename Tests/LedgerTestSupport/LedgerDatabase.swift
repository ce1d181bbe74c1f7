import Ledger
public import LedgerStore
import LocalCluster
import Migrations
public import Postgres
import SQLFiles
public import TestSupport

/// Databases that hold an empty ledger, and stores on them.
public enum LedgerDatabase {
    /// The role that the service runs under.
    public static let serviceRole = "runledger_service"

    /// A database that was migrated and holds a ledger with so many journals.
    public static func template(journals: Int16) -> DatabaseTemplate {
        DatabaseTemplate(name: "ledger with \(journals) journals") { url in try await prepare(url, journals: journals) }
    }

    /// Migrates a database and creates a ledger in it.
    public static func prepare(_ url: String, journals: Int16) async throws {
        let configuration = try PostgresConfiguration(url: url)
        _ = try await Migrator(files: try SQLFiles.bundled(), configuration: configuration).migrate()
        let client = PostgresClient(configuration: configuration, catalogue: ledgerStatements, sessions: 1)
        try await client.start()
        do {
            _ = try await LedgerStore.create(name: "test", journalCount: journals, with: client)
            await client.shutdown()
        } catch {
            await client.shutdown()
            throw error
        }
    }
}

/// How a store of a test is opened.
public struct StoreSettings: Sendable {
    /// Connections of its client.
    public var sessions = 4
    /// The clock that its journals record by.
    public var clock: JournalClock = SystemClock.now
    /// The store's bounds and patience. The budget is ample: machines that run tests may be busy with others.
    public var options = LedgerStore.Options()
    /// The client's bounds and waits.
    public var clientOptions = PostgresClientOptions()
    /// Settings for every session of the client.
    public var sessionSettings: [(name: String, value: String)] = []

    /// The defaults.
    public init() {
        options.retryBudget = .seconds(180)
        clientOptions.leaseTimeout = .seconds(60)
        clientOptions.reconnectCap = .milliseconds(500)
    }
}

/// Opens a store as the service does, under its role, and shuts its client down in any case.
///
/// - Parameters:
///   - url: the database; the running test's own when nil.
///   - settings: how it is opened.
///   - body: receives the store.
public func withStore<Value>(
    at url: String? = nil,
    _ settings: StoreSettings = StoreSettings(),
    _ body: (LedgerStore) async throws -> Value
) async throws -> Value {
    var configuration = try PostgresConfiguration(url: url ?? TestDatabase.url)
    configuration.role = LedgerDatabase.serviceRole
    configuration.settings = settings.sessionSettings
    // A busy machine may take its time to fork a backend.
    configuration.connectTimeoutSeconds = 60
    let client = PostgresClient(
        configuration: configuration,
        catalogue: ledgerStatements,
        sessions: settings.sessions,
        options: settings.clientOptions
    )
    try await client.start()
    do {
        let store = try await LedgerStore.open(client, clock: settings.clock, options: settings.options)
        let value = try await body(store)
        await store.close()
        await client.shutdown()
        return value
    } catch {
        await client.shutdown()
        throw error
    }
}
