internal import Postgres
internal import SQLFiles

/// A connection with the questions and orders of a migrator.
final class MigrationSession {
    // The bytes of "runledge", the same for every version of the migrator.
    private static let advisoryLock: Int64 = 0x7275_6E6C_6564_6765

    private let connection: PostgresScriptConnection
    /// Whether the tables exist that say what was done.
    private var hasBooks = false
    /// Records of files that ran before those tables existed.
    private var unrecorded: [String] = []

    private init(_ connection: PostgresScriptConnection) { self.connection = connection }

    /// Opens a connection for the body and closes it, which also gives the lock back.
    static func with<Value>(
        _ configuration: PostgresConfiguration,
        _ body: (MigrationSession) async throws(MigrationError) -> Value
    ) async throws(MigrationError) -> Value {
        let connection: PostgresScriptConnection
        do throws(PostgresError) {
            connection = try await PostgresScriptConnection(configuration: configuration)
        } catch {
            throw MigrationError(error)
        }
        do throws(MigrationError) {
            let value = try await body(MigrationSession(connection))
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Refuses servers and databases that can't hold a ledger, and learns whether this one does already.
    func checkDatabase() async throws(MigrationError) {
        let rows = try await query(
            """
            SELECT current_setting('server_version_num'), current_setting('server_version'),
                current_setting('server_encoding'), current_database(),
                to_regclass('ledger.migrations') IS NOT NULL AND to_regclass('ledger.replaceables') IS NOT NULL
            """
        )
        let row = rows[0].map { $0 ?? "" }
        guard let version = Int(row[0]), version >= 150_000 else {
            throw MigrationError(
                .unsuitableDatabase,
                "the server is PostgreSQL \(row[1]).",
                advice: "runledger needs PostgreSQL 15 or later."
            )
        }
        guard row[2] == "UTF8" else {
            throw MigrationError(
                .unsuitableDatabase,
                "the database \(row[3]) has the encoding \(row[2]).",
                advice: "Create one with `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`."
            )
        }
        hasBooks = row[4] == "t"
    }

    /// Waits until no other migrator is at work on this database; the lock lasts until the connection ends.
    func lock(timeoutSeconds: Int, waiting: () -> Void) async throws(MigrationError) {
        let taken = try await query("SELECT pg_try_advisory_lock(\(Self.advisoryLock))")
        if taken[0][0] == "t" { return }
        waiting()
        _ = try await query(
            "SET lock_timeout = '\(timeoutSeconds)s'; SELECT pg_advisory_lock(\(Self.advisoryLock)); RESET lock_timeout"
        )
        // The other migrator may have made the books meanwhile.
        try await checkDatabase()
    }

    /// What was done before.
    func history() async throws(MigrationError) -> MigrationHistory {
        guard hasBooks else { return MigrationHistory() }
        var history = MigrationHistory()
        let applied = try await query(
            """
            SELECT name, checksum, date_trunc('second', applied_at)::text
            FROM ledger.migrations
            ORDER BY name COLLATE "C"
            """
        )
        for row in applied {
            let values = row.map { $0 ?? "" }
            history.migrations.append(.init(name: values[0], checksum: values[1], appliedAt: values[2]))
        }
        for row in try await query("SELECT path, checksum FROM ledger.replaceables") {
            history.replaceables[row[0] ?? ""] = row[1]
        }
        return history
    }

    /// Refuses a login that can't carry out a plan, before anything is done.
    func checkRights(for plan: MigrationPlan) async throws(MigrationError) {
        guard !plan.isUpToDate else { return }
        let rows = try await query(
            """
            SELECT current_setting('is_superuser') = 'on', session_user,
                coalesce(pg_has_role(to_regrole('runledger_owner'), 'MEMBER'), false)
            """
        )
        guard rows[0][0] != "t" else { return }
        let login = rows[0][1] ?? ""
        if let step = plan.steps.first(where: { $0.file.needsSuperuser }) {
            throw MigrationError(
                .superuserRequired,
                "has to be run by a superuser, and \(login) is none.",
                advice: "Migrate once with a superuser's URL; later migrations rarely need one.",
                path: step.file.path
            )
        }
        guard rows[0][2] == "t" else {
            throw MigrationError(
                .notMigrator,
                "the login \(login) may not migrate.",
                advice: "GRANT runledger_migrator TO \(login)."
            )
        }
    }

    /// Runs a file and records it, in one transaction unless the file can't.
    func run(_ file: SQLFile, lockTimeoutSeconds: Int) async throws(MigrationError) -> Duration {
        let start = ContinuousClock.now
        if file.runsOutsideTransaction {
            try await runOutsideTransaction(file)
            _ = try await query(record(file, since: start))
            return .now - start
        }
        var before =
            "BEGIN; SET LOCAL lock_timeout = '\(lockTimeoutSeconds)s'; " + Self.openWindow(for: file, "transaction")
        if !file.needsSuperuser { before += "SET LOCAL ROLE runledger_owner;" }
        _ = try await query(before)
        do throws(PostgresError) {
            try await connection.execute(script: file.text)
        } catch {
            _ = try? await connection.execute(script: "ROLLBACK")
            throw MigrationError(error, in: file)
        }
        do throws(MigrationError) {
            _ = try await query("RESET ROLE; " + record(file, since: start) + "; COMMIT")
        } catch {
            _ = try? await connection.execute(script: "ROLLBACK")
            throw error
        }
        try await recordEarlierFiles(after: file)
        return .now - start
    }

    /// What is wrong with the fences around the events, if they exist and this login may look.
    func fenceFaults() async throws(MigrationError) -> [String] {
        let function = "ledger.fence_faults()"
        let exists = try await query(
            "SELECT coalesce(has_function_privilege(to_regprocedure('\(function)'), 'EXECUTE'), false)"
        )
        guard exists[0][0] == "t" else { return [] }
        return try await query("SELECT object || ': ' || fault FROM \(function)").map { $0[0] ?? "" }
    }

    /// A single statement is not wrapped in an implicit transaction; the window has to last for the session.
    private func runOutsideTransaction(_ file: SQLFile) async throws(MigrationError) {
        _ = try await query(Self.openWindow(for: file, "session"))
        if !file.needsSuperuser { _ = try await query("SET ROLE runledger_owner") }
        do throws(PostgresError) {
            try await connection.execute(script: file.text)
        } catch {
            throw MigrationError(error, in: file)
        }
        _ = try await query("RESET ROLE")
    }

    /// There is no guard before the first migration is through.
    private static func openWindow(for file: SQLFile, _ scope: String) -> String {
        let function = "ledger_guard.open_migration_window"
        return """
            DO $do$ BEGIN
                IF to_regprocedure('\(function)(text, text)') IS NOT NULL THEN
                    PERFORM \(function)(\(BookkeepingStatements.quoted("migrate \(file.path)")), '\(scope)');
                END IF;
            END $do$;
            """
    }

    private func record(_ file: SQLFile, since start: ContinuousClock.Instant) -> String {
        let elapsed = (ContinuousClock.now - start).components
        let microseconds = elapsed.seconds * 1_000_000 + elapsed.attoseconds / 1_000_000_000_000
        let statement = BookkeepingStatements.record(file, microseconds: microseconds)
        if hasBooks { return statement }
        unrecorded.append(statement)
        return "SELECT"
    }

    /// The books are there once the last file of their folder ran.
    private func recordEarlierFiles(after file: SQLFile) async throws(MigrationError) {
        guard !hasBooks, file.path.hasPrefix(SQLFiles.Folder.bookkeeping.rawValue + "/") else { return }
        try await checkDatabase()
        guard hasBooks else { return }
        _ = try await query(unrecorded.joined(separator: "; "))
        unrecorded = []
    }

    private func query(_ sql: String) async throws(MigrationError) -> [[String?]] {
        do throws(PostgresError) {
            return try await connection.execute(script: sql).last?.rows ?? []
        } catch {
            throw MigrationError(error)
        }
    }
}
