import LocalCluster
import Migrations
import Postgres
import SQLFiles
import Synchronization
import TestSupport
import Testing

@Suite("The migrator", .database)
struct MigratorTests {
    private var url: String { TestDatabase.url }

    private func migrator(_ files: SQLFiles, user: String? = nil) throws -> Migrator {
        var configuration = try PostgresConfiguration(url: url)
        if let user { configuration.user = user }
        return Migrator(files: files, configuration: configuration)
    }

    private func psql(_ sql: String) async throws -> String { try await LocalCluster.psql(sql, url: url) }

    private func adding(_ path: String, _ text: String) throws -> SQLFiles {
        try SQLFiles.bundled().replacing([SQLFile(path: path, text: text)])
    }

    /// The next free number, whatever the newest migration is.
    private func nextMigration(_ text: String) throws -> SQLFiles {
        let number = try SQLFiles.bundled()[.migrations].count + 1
        let digits = String(number)
        let padded = String(repeating: "0", count: 4 - digits.count) + digits
        return try adding("migrations/\(padded)_next.sql", text)
    }

    @Test("makes a ledger in an empty database, with its fences, and does nothing the second time")
    func fromEmpty() async throws {
        let files = try SQLFiles.bundled()
        let migrator = try migrator(files)
        let planned = try await migrator.plan()
        #expect(try await psql("SELECT to_regnamespace('ledger') IS NULL") == "t", "a plan changes nothing")
        let progress = Mutex<[MigrationProgress]>([])
        let report = try await migrator.migrate { step in progress.withLock { $0.append(step) } }
        #expect(report.steps == planned.steps)
        #expect(report.fenceFaults == [])
        let progressCount = progress.withLock { $0.count }
        #expect(progressCount == 2 * report.steps.count)
        let recorded = try await psql("SELECT count(*) FROM ledger.replaceables")
        let folders: [SQLFiles.Folder] = [.roles, .bookkeeping, .functions, .views, .triggers, .grants]
        #expect(recorded == String(folders.reduce(0) { $0 + files[$1].count }))
        #expect(try await migrator.plan().isUpToDate)
        #expect(try await migrator.migrate().steps == [])
        #expect(
            try await psql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'ledger'") == "runledger_owner"
        )
    }

    @Test("keeps nothing of a migration that fails, and names file, line and SQLSTATE")
    func failure() async throws {
        try await migrator(.bundled()).migrate()
        let broken = try nextMigration(
            "CREATE TABLE ledger.extra (n int);\n\n-- é\nSELECT nonsense FROM ledger.extra;\n"
        )
        let error = await #expect(throws: MigrationError.self) { try await migrator(broken).migrate() }
        #expect(error?.code == .statementFailed)
        #expect(error?.line == 4)
        #expect(error?.sqlState == "42703")
        #expect(error?.description.contains("_next.sql:4: column \"nonsense\" does not exist") == true)
        #expect(try await psql("SELECT to_regclass('ledger.extra') IS NULL") == "t")
        let mended = try nextMigration("CREATE TABLE ledger.extra (n int);\n")
        try await migrator(mended).migrate()
        #expect(try await psql("SELECT tableowner FROM pg_tables WHERE tablename = 'extra'") == "runledger_owner")
    }

    @Test("records a window for what it changes once the fences stand")
    func windows() async throws {
        try await migrator(.bundled()).migrate()
        try await migrator(nextMigration("CREATE TABLE ledger.extra (n int);\n")).migrate()
        let reasons = try await psql("SELECT reason FROM ledger.migration_windows WHERE reason LIKE '%\\_next.sql'")
        #expect(reasons.hasPrefix("migrate migrations/"))
    }

    @Test("replaces a function that changed, and leaves it callable by those who were granted it")
    func replaceable() async throws {
        try await migrator(.bundled()).migrate()
        let text = """
            CREATE OR REPLACE FUNCTION ledger.canonical_microseconds(moment timestamptz) RETURNS bigint
            LANGUAGE sql IMMUTABLE AS $$ SELECT 42::bigint $$;
            """
        let report = try await migrator(adding("functions/canonical_microseconds.sql", text)).migrate()
        #expect(report.steps.first?.description == "functions/canonical_microseconds.sql (changed)")
        #expect(try await psql("SET ROLE runledger_auditor; SELECT ledger.canonical_microseconds(now())") == "42")
        let granted =
            "has_function_privilege('runledger_service', 'ledger.canonical_microseconds(timestamptz)', 'EXECUTE')"
        #expect(try await psql("SELECT \(granted)") == "f")
    }

    @Test("takes away what a grants file no longer grants")
    func revoked() async throws {
        try await migrator(.bundled()).migrate()
        let text = try #require(try SQLFiles.bundled()[.grants].first { $0.name == "runledger_finance.sql" }).text
        let narrower = text.split(separator: "\n").filter { !$0.contains("ledger.pots") }.joined(separator: "\n")
        try await migrator(adding("grants/runledger_finance.sql", narrower)).migrate()
        #expect(try await psql("SELECT has_table_privilege('runledger_finance', 'ledger.pots', 'SELECT')") == "f")
        #expect(try await psql("SELECT has_table_privilege('runledger_finance', 'ledger.events', 'SELECT')") == "t")
    }

    @Test("lets several migrators of one database wait for each other: one does the work")
    func concurrent() async throws {
        let migrator = try migrator(.bundled())
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 { group.addTask { try await migrator.migrate().steps.count } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts.filter { $0 > 0 }.count == 1)
    }

    @Test("gives up on a migrator that does not finish, and says so")
    func lockTimeout() async throws {
        let holder = try await PostgresScriptConnection(configuration: PostgresConfiguration(url: url))
        try await holder.execute(script: "SELECT pg_advisory_lock(\(0x7275_6E6C_6564_6765 as Int64))")
        var migrator = try migrator(.bundled())
        migrator.lockTimeoutSeconds = 1
        let impatient = migrator
        let waited = Atomic(false)
        let error = await #expect(throws: MigrationError.self) {
            try await impatient.migrate { step in
                if step == .waitingForOtherMigrator { waited.store(true, ordering: .relaxed) }
            }
        }
        #expect(error?.code == .locked)
        let hasWaited = waited.load(ordering: .relaxed)
        #expect(hasWaited)
        await holder.close()
    }

    @Test("refuses a database with migrations that it does not know")
    func newerDatabase() async throws {
        try await migrator(nextMigration("CREATE TABLE ledger.extra (n int);\n")).migrate()
        let error = await #expect(throws: MigrationError.self) { try await migrator(.bundled()).plan() }
        #expect(error?.code == .databaseIsNewer)
    }

    @Test("runs a migration that can't be in a transaction, under a window for its session")
    func outsideTransaction() async throws {
        try await migrator(.bundled()).migrate()
        let text = """
            -- migrator: no transaction
            CREATE INDEX CONCURRENTLY holds_by_expiry ON ledger.holds (expires_at);

            """
        try await migrator(nextMigration(text)).migrate()
        #expect(
            try await psql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ledger.holds_by_expiry'::regclass")
                == "t"
        )
        #expect(
            try await psql("SELECT scope FROM ledger.migration_windows ORDER BY window_id DESC LIMIT 1")
                == "transaction"
        )
        let scopes = "SELECT count(*) FROM ledger.migration_windows WHERE scope = 'session' AND reason LIKE '%next%'"
        #expect(try await psql(scopes) == "1")
    }

    @Test("needs a superuser for a new ledger, and only a member of runledger_migrator afterwards")
    func loginRights() async throws {
        let login = "test_migrations_login"
        try await psqlIgnoringDuplicates("CREATE ROLE \(login) LOGIN")
        let refused = await #expect(throws: MigrationError.self) {
            try await migrator(.bundled(), user: login).migrate()
        }
        #expect(refused?.code == .superuserRequired)
        #expect(refused?.path?.hasPrefix("roles/") == true)
        try await migrator(.bundled()).migrate()
        let files = try nextMigration("CREATE TABLE ledger.extra (n int);\n")
        _ = try await psql("GRANT runledger_auditor TO \(login)")
        let stranger = await #expect(throws: MigrationError.self) { try await migrator(files, user: login).migrate() }
        #expect(stranger?.code == .notMigrator)
        #expect(stranger?.advice == "GRANT runledger_migrator TO \(login).")
        _ = try await psql("REVOKE runledger_auditor FROM \(login); GRANT runledger_migrator TO \(login)")
        let report = try await migrator(files, user: login).migrate()
        #expect(report.steps.first?.file.name.hasSuffix("_next.sql") == true)
        #expect(report.fenceFaults == [])
        _ = try await psql("REVOKE runledger_migrator FROM \(login)")
    }

    @Test("reports a fence that was taken down, and puts it up again when asked to")
    func repair() async throws {
        var migrator = try migrator(.bundled())
        try await migrator.migrate()
        _ = try await psql("DROP EVENT TRIGGER ledger_refuse_drop; GRANT UPDATE ON ledger.events TO runledger_owner")
        let faults = try await migrator.migrate().fenceFaults
        #expect(faults.contains("ledger_refuse_drop: the event trigger is missing or not ENABLE ALWAYS"))
        #expect(faults.contains("ledger.events: runledger_owner may UPDATE"))
        migrator.reappliesReplaceables = true
        #expect(try await migrator.migrate().fenceFaults == [])
    }

    private func psqlIgnoringDuplicates(_ sql: String) async throws {
        _ = try await psql("DO $$ BEGIN \(sql); EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$")
    }
}
