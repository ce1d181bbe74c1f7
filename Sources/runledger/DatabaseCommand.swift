import ArgumentParser
import LocalCluster
import Operations
import Registry

/// The private PostgreSQL of this folder.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db",
        abstract: "Start, stop or look at the private PostgreSQL.",
        discussion: """
            It lives in .runledger/postgres, takes no port and is reached through a Unix socket. As root it runs as the \
            user `postgres`. Where RUNLEDGER_DATABASE_URL is set, the database is somebody else's to start.
            """,
        subcommands: [Start.self, Stop.self, Status.self]
    )

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Start it; make it first if there is none.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let database = LedgerDatabase()
            _ = try database.requireCluster()
            let wasStarted = try await database.startIfPrivate()
            try DatabaseCommand.show(database, output, note: wasStarted ? "started" : "was running already")
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stop it; its data stays.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let database = LedgerDatabase()
            let cluster = try database.requireCluster()
            let wasRunning = cluster.postmasterPID != nil
            do {
                try await cluster.stop()
            } catch {
                throw OperationError(error, database: database)
            }
            try DatabaseCommand.show(database, output, note: wasRunning ? "stopped" : "was not running")
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether it runs, and where. Exit code 0 when it does, 1 when it does not."
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let database = LedgerDatabase()
            let cluster = try database.requireCluster()
            try DatabaseCommand.show(database, output)
            if cluster.postmasterPID == nil { throw ExitCode(OperationError.Kind.negative.rawValue) }
        }
    }

    fileprivate static func show(_ database: LedgerDatabase, _ output: OutputOptions, note: String? = nil) throws {
        let cluster = try database.requireCluster()
        let state: String
        var pid: Int32?
        switch cluster.status() {
        case .absent: state = "absent"
        case .stopped: state = "stopped"
        case .running(let process):
            state = "running"
            pid = process
        }
        let suffix = note.map { $0 == state ? "" : " (\($0))" } ?? ""
        let process = pid.map { ", process \($0)" } ?? ""
        var facts = [("PostgreSQL", state + process + suffix), ("folder", cluster.folder)]
        if let elsewhere = cluster.relocatedFolder { facts.append(("data", elsewhere)) }
        facts += [("URL", database.url), ("log", cluster.logPath)]
        let next = ["absent": "runledger init", "stopped": "runledger db start"][state]
        output.show(
            facts.map { (name: $0.0, value: $0.1) },
            next: next,
            [
                "state": .string(state), "pid": pid.map { .integer(Int64($0)) } ?? .null, "url": .string(database.url),
                "folder": .string(cluster.folder), "log": .string(cluster.logPath),
            ]
        )
    }
}

extension LedgerDatabase {
    /// The private cluster, or a refusal when a URL names another database.
    fileprivate func requireCluster() throws(OperationError) -> LocalCluster {
        guard let cluster else {
            throw OperationError(
                .usage,
                "RUNLEDGER_DATABASE_URL names the database \(displayName), which is not the private one.",
                advice: "Unset it to work with the private PostgreSQL."
            )
        }
        return cluster
    }
}
