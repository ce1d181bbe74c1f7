public import Postgres
public import SQLFiles

/// Brings a database to what this program needs: roles, tables, functions, views, fences and rights.
///
/// Each file is one transaction together with its record, so an attempt that fails or is killed is taken up by the next
/// one where it ended. Two migrators of one database wait for each other. What is up to date is not touched.
public struct Migrator: Sendable {
    /// Whether files that can be run again are, though they did not change: repairs what was altered by hand.
    public var reappliesReplaceables = false
    /// How long to wait for another migrator, in seconds.
    public var lockTimeoutSeconds = 60
    /// How long a file may wait for a table that is in use, in seconds; until then new users of the table wait too.
    public var tableLockTimeoutSeconds = 10

    private let files: SQLFiles
    private let configuration: PostgresConfiguration

    /// Names the files and the database; nothing is read or changed yet.
    ///
    /// - Parameters:
    ///   - files: what the database should be brought to.
    ///   - configuration: a login that is a superuser, or for files without `-- migrator: superuser` a member of
    ///     `runledger_migrator`. To plan, a member of any of the ledger's roles but finance will do. Its role and
    ///     application name are not used.
    public init(files: SQLFiles, configuration: PostgresConfiguration) {
        self.files = files
        var session = configuration
        session.applicationName = "runledger migrate"
        session.role = nil
        session.settings += [
            // Files name the schema of everything that is not PostgreSQL's own.
            ("search_path", "pg_catalog, pg_temp"), ("client_min_messages", "warning"), ("DateStyle", "ISO"),
            ("TimeZone", "UTC"),
        ]
        self.configuration = session
    }

    /// Finds out what would be done, and changes nothing.
    ///
    /// - Throws: what ``migrate(progress:)`` would refuse before it starts.
    public func plan() async throws(MigrationError) -> MigrationPlan {
        try await MigrationSession.with(configuration) { session async throws(MigrationError) in
            try await session.checkDatabase()
            return try await plan(in: session)
        }
    }

    /// Does what is pending.
    ///
    /// - Parameter progress: called before and after each file, from the task that migrates.
    /// - Returns: what was done, and whether the fences stand afterwards.
    /// - Throws: the first thing that failed; the files before it stay done.
    @discardableResult
    public func migrate(
        progress: @Sendable (MigrationProgress) -> Void = { _ in }
    ) async throws(MigrationError) -> MigrationReport {
        let start = ContinuousClock.now
        return try await MigrationSession.with(configuration) { session async throws(MigrationError) in
            try await session.checkDatabase()
            try await session.lock(timeoutSeconds: lockTimeoutSeconds, waiting: { progress(.waitingForOtherMigrator) })
            let plan = try await plan(in: session)
            try await session.checkRights(for: plan)
            for (index, step) in plan.steps.enumerated() {
                progress(.started(step, number: index + 1, of: plan.steps.count))
                let duration = try await session.run(step.file, lockTimeoutSeconds: tableLockTimeoutSeconds)
                progress(.finished(step, duration: duration))
            }
            return MigrationReport(
                steps: plan.steps,
                fenceFaults: try await session.fenceFaults(),
                duration: .now - start
            )
        }
    }

    private func plan(in session: MigrationSession) async throws(MigrationError) -> MigrationPlan {
        try MigrationPlan(files: files, history: await session.history(), reapplying: reappliesReplaceables)
    }
}
