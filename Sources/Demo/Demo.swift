import App
import AsyncHTTPClient
import Foundation
import LocalCluster
public import Operations

/// The story that a new user wants to see: runs, refusals, the account's history, the ledger's verification.
///
/// It works on a cluster of its own below the ledger's folder, made anew each time, with the service and the simulator as
/// processes of their own, and leaves none of them running.
public enum Demo {
    /// Tells the story on a terminal.
    ///
    /// - Parameters:
    ///   - folder: the ledger's folder; the demo's own is `demo` inside it.
    ///   - keepsData: whether the demo's database stays, stopped, for a look around.
    ///   - terminal: where the story is told.
    /// - Throws: ``Interrupted`` after a signal; an `OperationError` with the ends of the logs when anything is not as
    ///   the story says.
    public static func run(folder: String, keepsData: Bool, terminal: Terminal = .output) async throws {
        let database = LedgerDatabase(folder: "\(folder)/demo")
        let stage = Stage(terminal: terminal)
        do {
            try await untilInterrupted { try await tell(database, keepsData: keepsData, stage) }
        } catch let interruption as Interrupted {
            terminal.clearPassing()
            stage.line("Interrupted. Everything that was started is stopped.")
            throw interruption
        }
    }

    private static func tell(_ database: LedgerDatabase, keepsData: Bool, _ stage: Stage) async throws {
        let start = ContinuousClock.now
        stage.line()
        stage.line(stage.terminal.styled("runledger", .bold) + ": a run API and the ledger behind it")
        stage.heading("Start")
        // What an earlier demo left behind, even one that was killed.
        do {
            try await database.cluster?.remove()
            try? FileManager.default.removeItem(atPath: mediaFolder(database))
        } catch {
            throw OperationError(error, database: database)
        }
        let definitions = try QuickDefinitions.write(below: database.folder)
        let stack = try await LocalStack.start(
            database,
            port: 0,
            simulatorArguments: ["--latency", "15"],
            // No bucket and no address of the environment's: the story is of this machine alone.
            serviceSettings: [
                "RUNLEDGER_MODELS": definitions, "RUNLEDGER_S3_BUCKET": "", "RUNLEDGER_S3_ACCESS_KEY_ID": "",
                "RUNLEDGER_PUBLIC_URL": "", "RUNLEDGER_MEDIA_FOLDER": mediaFolder(database),
            ],
            keepsDatabase: false,
            progress: stage.show
        )
        do {
            try await perform(stack, stage)
        } catch {
            let failure = OperationError(error, database: database)
            let tails = stack.logTails
            await stack.stop()
            try? await database.cluster?.remove()
            throw OperationError(
                failure.kind,
                "The demo stopped. \(failure.message)",
                advice: failure.advice.isEmpty ? "The logs in \(database.folder)/logs end with:" : failure.advice,
                excerpt: [failure.excerpt, tails].filter { !$0.isEmpty }.joined(separator: "\n")
            )
        }
        await stack.stop()
        if !keepsData {
            try? await database.cluster?.remove()
            try? FileManager.default.removeItem(atPath: mediaFolder(database))
        }
        close(database, keepsData: keepsData, .now - start, stage)
    }

    private static func mediaFolder(_ database: LedgerDatabase) -> String { "\(database.folder)/media" }

    private static func perform(_ stack: LocalStack, _ stage: Stage) async throws {
        try await LedgerSetup(stack.database).withLedger { connection in
            stage.heading("A Business account with credits, a grant and a key")
            let cast = try await Cast.enter(AccountDesk(connection), on: stage)
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            do {
                let caller = Caller(client: client, baseURL: stack.service.url)
                stage.heading("1  Runs that succeed")
                var successes = try await Successes(caller: caller, cast: cast, stage: stage).play()
                stage.heading("2  Every kind of provider")
                successes += try await ProviderTour(caller: caller, cast: cast, stage: stage).play()
                stage.heading("3  A run nobody waits for")
                let unattended = Unattended(caller: caller, cast: cast, adminToken: stack.adminToken, stage: stage)
                successes += try await unattended.play()
                stage.heading("4  Every refusal of the run endpoint, in the order of decisions")
                let refusals = try await Refusals(caller: caller, cast: cast, stage: stage).play()
                stage.line()
                stage.passed(
                    "\(successes) runs succeeded, one was cancelled, \(refusals) were refused, and nobody paid for a failure"
                )
                let audit = Audit(connection: connection, cast: cast, stage: stage)
                stage.heading("5  The account's history, with the balance after each event")
                try await audit.showHistory()
                stage.heading("6  The ledger, verified")
                try await audit.verify(simulatorCount: caller.simulatorCount(at: stack.simulator.url))
            } catch {
                try? await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }

    private static func close(_ database: LedgerDatabase, keepsData: Bool, _ duration: Duration, _ stage: Stage) {
        stage.heading("Done in \(Numbers.elapsed(duration)), nothing is left running")
        var next = FactList(indent: 2, terminal: stage.terminal)
        next.add("make run", "the same start, and it stays up: URL, key and curl lines to try")
        next.add("runledger --help", "every command, with examples")
        if keepsData {
            next.add("export RUNLEDGER_FOLDER=\(database.folder)", "this demo's ledger, for a look around:")
            next.add("runledger db start", "then `runledger verify`, `make psql` …")
        } else {
            next.add("runledger demo --keep", "the demo again, and its ledger is kept for a look around")
        }
        for line in next.lines { stage.terminal.line(line) }
        stage.line()
    }
}
