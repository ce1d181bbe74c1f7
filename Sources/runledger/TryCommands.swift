import ArgumentParser
import Demo
import Operations

/// The story.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "See every kind of provider, a webhook, every refusal, the ledger's verification, in half a minute.",
        discussion: """
            Works on a private PostgreSQL of its own in .runledger/demo, made anew each time, whatever \
            RUNLEDGER_DATABASE_URL says, and leaves nothing running. Vendors are asked more often than their \
            definitions say, so that it is short. NO_COLOR turns colours off.
            """
    )
    @Flag(help: "Keep the demo's database, stopped, for a look around.")
    var keep = false

    func run() async throws {
        try await Demo.run(folder: LedgerDatabase().folder, keepsData: keep)
    }
}

/// The service with everything around it, until Ctrl-C.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start database, simulator and service, print URL, key and curl lines, and stay up until Ctrl-C.",
        discussion: """
            Creates the ledger if there is none, and a demo account with a key; the key stays in .runledger/demo-key, \
            readable by you alone, and is used again the next time. Ctrl-C stops what was started and keeps the ledger.
            """
    )
    @Option(help: "The service's port (default: 8080, or any that is free when it is taken).", transform: Parse.port)
    var port: Int?

    func run() async throws {
        try await Up.run(LedgerDatabase(), port: port)
    }
}
