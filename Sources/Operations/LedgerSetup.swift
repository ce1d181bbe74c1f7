public import App
import Foundation
import LedgerStore
public import Migrations
import Postgres
import SQLFiles

/// Makes a database into a ledger, and checks that it is one.
public struct LedgerSetup: Sendable {
    /// A ledger as it was found or made.
    public struct Report: Sendable {
        /// The ledger's name.
        public let name: String
        /// Its number of journals.
        public let journalCount: Int16
        /// Whether the database was created now.
        public let createdDatabase: Bool
        /// Whether the ledger was created now.
        public let createdLedger: Bool
        /// What was migrated.
        public let migration: MigrationReport
    }

    /// The numbers of journals that a ledger can have: their ids have 12 bits.
    public static let journalCounts = 1...4_096
    /// The name of a ledger that was given none.
    public static let defaultName = "runledger"
    /// The number of journals of a ledger that was given none.
    public static let defaultJournalCount: Int16 = 16

    private let database: LedgerDatabase

    /// Names the database.
    public init(_ database: LedgerDatabase) { self.database = database }

    /// Creates the database if it is missing, migrates it, and creates the ledger in it; what is there already stays.
    ///
    /// - Parameters:
    ///   - name: the ledger's name, if it is created.
    ///   - journalCount: the number of journals; nil for the usual number, or whatever a ledger has that exists.
    ///   - progress: called before and after each SQL file.
    /// - Throws: also when the ledger exists with another number of journals, which can't change.
    public func initialize(
        name: String = defaultName,
        journalCount: Int16? = nil,
        progress: @Sendable (MigrationProgress) -> Void = { _ in }
    ) async throws(OperationError) -> Report {
        do {
            let createdDatabase = try await createDatabaseIfMissing()
            let migration = try await migrator().migrate(progress: progress)
            let createdLedger = try await createLedger(name, journalCount ?? Self.defaultJournalCount)
            let connection = try await LedgerConnection.open(databaseURL: database.url, sessions: 1)
            let (existingName, count) = (connection.store.name, connection.store.journalCount)
            await connection.close()
            if let journalCount, journalCount != count {
                throw OperationError(
                    .negative,
                    "The ledger exists and has \(count) journals; --journals \(journalCount) can't change that.",
                    advice: "Leave --journals out, or make another ledger in another database."
                )
            }
            return Report(
                name: existingName,
                journalCount: count,
                createdDatabase: createdDatabase,
                createdLedger: createdLedger,
                migration: migration
            )
        } catch {
            throw OperationError(error, database: database)
        }
    }

    /// The migrator of this program's SQL for the database.
    public func migrator() throws(OperationError) -> Migrator {
        do {
            return Migrator(files: try SQLFiles.bundled(), configuration: try PostgresConfiguration(url: database.url))
        } catch {
            throw OperationError(error, database: database)
        }
    }

    /// Finds out what a migration would do.
    public func plan() async throws(OperationError) -> MigrationPlan {
        let migrator = try migrator()
        do throws(MigrationError) {
            return try await migrator.plan()
        } catch {
            throw await explained(error)
        }
    }

    /// Does what is pending.
    public func migrate(
        progress: @Sendable (MigrationProgress) -> Void = { _ in }
    ) async throws(OperationError) -> MigrationReport {
        let migrator = try migrator()
        do throws(MigrationError) {
            return try await migrator.migrate(progress: progress)
        } catch {
            throw await explained(error)
        }
    }

    /// Refuses to go on unless the database holds a ledger that this program's SQL has been applied to.
    ///
    /// - Returns: replaceable files that differ from this program's: harmless for a service, and worth a line of log.
    @discardableResult
    public func requireReady() async throws(OperationError) -> [MigrationStep] {
        try database.requireRunning()
        let plan = try await plan()
        guard plan.appliedMigrationCount > 0 else { throw .noLedger(in: database) }
        let pending = plan.steps.filter { $0.file.path.hasPrefix("migrations/") || $0.reason == .new }
        guard pending.isEmpty else {
            throw OperationError(
                .unavailable,
                "\(pending.count) SQL \(pending.count == 1 ? "file is" : "files are") pending in "
                    + "\(database.displayName), the first one \(pending[0]).",
                advice: "Apply what is pending with: runledger migrate"
            )
        }
        return plan.steps
    }

    /// Checks the database and opens its ledger.
    ///
    /// - Parameter sessions: connections to keep.
    public func open(sessions: Int = 2) async throws(OperationError) -> LedgerConnection {
        try await requireReady()
        do {
            var options = LedgerStore.Options()
            options.masterKeys = try MasterKeys(environment: ProcessInfo.processInfo.environment)
            return try await LedgerConnection.open(databaseURL: database.url, sessions: sessions, options: options)
        } catch {
            throw OperationError(error, database: database)
        }
    }

    /// Opens the ledger for the body and closes it.
    public func withLedger<Value>(
        sessions: Int = 2,
        _ body: (LedgerConnection) async throws -> Value
    ) async throws(OperationError) -> Value {
        let connection = try await open(sessions: sessions)
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw OperationError(error, database: database)
        }
    }

    private func createLedger(_ name: String, _ journalCount: Int16) async throws -> Bool {
        var configuration = try PostgresConfiguration(url: database.url)
        configuration.role = "runledger_owner"
        let client = PostgresClient(configuration: configuration, catalogue: ledgerStatements, sessions: 1)
        try await client.start()
        do {
            let created = try await LedgerStore.create(name: name, journalCount: journalCount, with: client)
            await client.shutdown()
            return created
        } catch {
            await client.shutdown()
            throw error
        }
    }
}

extension LedgerSetup {
    /// A missing database looks like a server that can't be reached; the difference matters to the reader.
    private func explained(_ error: MigrationError) async -> OperationError {
        guard error.code == .connection, await isDatabaseMissing() == true else {
            return OperationError(error, database: database)
        }
        return .noLedger(in: database)
    }

    private func createDatabaseIfMissing() async throws -> Bool {
        guard await isDatabaseMissing() == true, let maintenance = try maintenance() else { return false }
        let connection = try await PostgresScriptConnection(configuration: maintenance.configuration)
        let quoted =
            "\""
            + maintenance.name.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
        do throws(PostgresError) {
            try await connection.execute(script: "CREATE DATABASE \(quoted) ENCODING 'UTF8' TEMPLATE template0")
            await connection.close()
        } catch {
            await connection.close()
            // Somebody else was faster.
            guard error.sqlState == "42P04" || error.sqlState == "23505" else { throw error }
        }
        return true
    }

    /// Nil when it can't be found out.
    private func isDatabaseMissing() async -> Bool? {
        guard let maintenance = try? maintenance(),
            let connection = try? await PostgresScriptConnection(configuration: maintenance.configuration)
        else { return nil }
        let name = maintenance.name.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        let rows = try? await connection.execute(script: "SELECT FROM pg_database WHERE datname = '\(name)'")
        await connection.close()
        return rows.map { $0.last?.rows.isEmpty ?? true }
    }

    private func maintenance() throws(PostgresError) -> (configuration: PostgresConfiguration, name: String)? {
        var configuration = try PostgresConfiguration(url: database.url)
        guard let name = configuration.database else { return nil }
        configuration.database = "postgres"
        return (configuration, name)
    }
}
