import ArgumentParser
import Migrations
import Operations
import Registry
import SQLFiles

/// Makes a ledger.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Create the database if it is missing, migrate it, and create the ledger in it.",
        discussion: """
            Running it again changes nothing. The private PostgreSQL is started if it does not run. The number of journals \
            is fixed for good: accounts are spread over them, and each is written by one transaction at a time.

            Example: runledger init --journals 32 --name production
            """
    )
    @Option(help: "The number of journals, 1 to 4096 (default: 16).", transform: Parse.journalCount)
    var journals: Int16?
    @Option(help: "The ledger's name, one line of 1 to 100 bytes.", transform: Parse.keyName)
    var name = LedgerSetup.defaultName
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let database = LedgerDatabase()
        let startedDatabase = try await database.startIfPrivate()
        let report = try await LedgerSetup(database).initialize(
            name: name,
            journalCount: journals,
            progress: showMigration
        )
        Terminal.error.clearPassing()
        let files = report.migration.steps.count
        var facts = [
            ("ledger", "\(report.name), \(report.createdLedger ? "created" : "was there already")"),
            ("journals", "\(report.journalCount)"),
            ("database", database.displayName + (report.createdDatabase ? ", created" : "")),
            ("SQL files", files == 0 ? "up to date" : "\(files) applied"),
        ]
        if startedDatabase { facts.append(("PostgreSQL", "started")) }
        output.show(
            facts.map { (name: $0.0, value: $0.1) },
            next: report.createdLedger ? "runledger account open --tier business" : nil,
            [
                "ledger": .string(report.name), "journals": .integer(Int64(report.journalCount)),
                "createdLedger": .bool(report.createdLedger), "createdDatabase": .bool(report.createdDatabase),
                "applied": .array(report.migration.steps.map { .string($0.file.path) }),
            ]
        )
    }
}

/// Brings a ledger's database to what this program needs.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Apply the SQL that is pending.",
        discussion: """
            Each file is one transaction together with its record; an attempt that fails is taken up where it ended. An \
            applied migration that was edited is refused. With --dry-run nothing is done, and the exit code is 1 when \
            something is pending.
            """
    )
    @Flag(help: "Say what would be done, and do nothing. Exit code 1 when something is pending.")
    var dryRun = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let database = LedgerDatabase()
        try database.requireRunning()
        let setup = LedgerSetup(database)
        if dryRun { return try await plan(setup) }
        let report = try await setup.migrate(progress: showMigration)
        Terminal.error.clearPassing()
        output.show(
            [
                "applied": .array(report.steps.map(JSONValue.step)),
                "fenceFaults": .array(report.fenceFaults.map { .string($0) }),
            ]
        ) { terminal in
            for step in report.steps { terminal.line("\(terminal.styled("applied", .green))  \(step)") }
            let count = report.steps.count
            terminal.line(
                count == 0
                    ? "Nothing was pending."
                    : "\(Numbers.count(count, "file")) applied in \(Numbers.elapsed(report.duration))."
            )
        }
        guard report.fenceFaults.isEmpty else {
            throw OperationError(
                .negative,
                "The fences around the events do not all stand.",
                advice: "Someone altered them by hand; find out who, then repair them.",
                excerpt: report.fenceFaults.joined(separator: "\n")
            )
        }
    }

    private func plan(_ setup: LedgerSetup) async throws {
        let plan = try await setup.plan()
        output.show(["pending": .array(plan.steps.map(JSONValue.step))]) { terminal in
            for step in plan.steps { terminal.line("\(terminal.styled("pending", .yellow))  \(step)") }
            terminal.line(
                plan.isUpToDate
                    ? "Nothing is pending."
                    : "\(Numbers.count(plan.steps.count, "file")) pending. Apply with: runledger migrate"
            )
        }
        if !plan.isUpToDate { throw ExitCode(OperationError.Kind.negative.rawValue) }
    }
}

extension JSONValue {
    fileprivate static func step(_ step: MigrationStep) -> JSONValue {
        ["path": .string(step.file.path), "reason": .string(step.reason.rawValue)]
    }
}

/// Shows on standard error which file is being run.
private func showMigration(_ progress: MigrationProgress) {
    switch progress {
    case .waitingForOtherMigrator: Terminal.error.passing("waiting for another migrator …")
    case .started(let step, let number, let count): Terminal.error.passing("\(number)/\(count)  \(step.file.path)")
    case .finished: break
    }
}
