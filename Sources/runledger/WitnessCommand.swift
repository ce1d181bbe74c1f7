import ArgumentParser
import Foundation
import Glibc
import Hummingbird
import LogFiles
import Logging
import Operations
import Registry
import TransparencyLog
import Witness

/// A witness of somebody's logs.
struct WitnessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness",
        abstract: "Cosign checkpoints of a ledger, and never a tree that does not extend the one before.",
        discussion: """
            A witness belongs on another machine, with other people. It needs no database: its store is a folder. It speaks \
            c2sp.org/tlog-witness.
            """,
        subcommands: [Key.self, Serve.self]
    )

    struct Key: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a witness's signing key in a file for its owner alone, or show the verifier key of one.",
            discussion: "Example: runledger witness key witness.key --name witness.example/w1"
        )
        @Argument(help: "The key's file.")
        var file: String
        @Option(help: "Make a key with this name.")
        var name: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.showKey(file, name: name, kind: .cosigner) { key in
                "a line for policies: witness NAME \(key.description) URL"
            }
        }
    }

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Answer add-checkpoint until SIGTERM or Ctrl-C.",
            discussion: """
                Example: runledger witness serve --key witness.key --store witness --log 'ledger.example+1f2e3d4c+AXd…'
                """
        )
        @Option(help: "The file with the witness's key.")
        var key: String
        @Option(help: "The folder that holds what was cosigned last. Keep it: without it, a witness is a new one.")
        var store: String
        @Option(help: "A ledger's verifier key; may be given several times.", transform: TrustOptions.verifier)
        var log: [NoteVerifier]
        @Option(help: "The address to listen on.")
        var host = "127.0.0.1"
        @Option(help: "The port to listen on; 0 for any that is free (default: 9191).", transform: Parse.port)
        var port = 9_191
        @Flag(help: .hidden)
        var untilInputEnds = false

        func run() async throws {
            try startLogging(ProcessInfo.processInfo.environment)
            let logger = Logger(label: "witness")
            let signer = try openKey(key, kind: .cosigner)
            let desk: WitnessDesk
            do {
                desk = try WitnessDesk(signer: signer, logs: log, folder: store) { UInt64(max(0, time(nil))) }
            } catch {
                throw OperationError(.unavailable, "The witness's store can't be used: \(error)")
            }
            if untilInputEnds { endWithInput() }
            let host = host
            let server = WitnessServer.build(desk: desk, host: host, port: port, logger: logger) { port in
                logger.info("listening", metadata: ["host": "\(host)", "port": "\(port)"])
            }
            do {
                try await server.runService()
            } catch {
                throw explained(error, host: host, port: port, nil)
            }
        }
    }
}
