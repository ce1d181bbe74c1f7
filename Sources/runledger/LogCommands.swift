import App
import ArgumentParser
import AsyncHTTPClient
import Configuration
import Foundation
import Ledger
import LedgerStore
import LogFiles
import LogPublishing
import Operations
import Registry
import TransparencyLog

/// The transparency log.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Publish the transparency log, take receipts from it, and check both without trusting the service.",
        discussion: """
            For who runs the ledger: key, publish, compare, receipt. For who checks it, without its database: verify, fsck.
            Step by step: docs/transparency-log.md.
            """,
        subcommands: [Key.self, Publish.self, Compare.self, Receipt.self, Verify.self, Fsck.self]
    )

    struct Key: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a log's signing key in a file for its owner alone, or show the verifier key of one.",
            discussion: """
                Examples:
                  runledger audit key tlog.key --name ledger.example
                  runledger audit key tlog.key
                """
        )
        @Argument(help: "The key's file.")
        var file: String
        @Option(help: "Make a key with this name, which is the log's for good: such as a host that you own.")
        var name: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.showKey(file, name: name, kind: .log) { _ in
                "give auditors the verifier key by another way than the log; serve with RUNLEDGER_TLOG_KEY=\(file)"
            }
        }
    }

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Publish every journal's log and the ledger's once, as `serve` does each second.",
            discussion: "Settings as for `serve`: RUNLEDGER_TLOG_KEY, _FOLDER, _BUCKET, _POLICY."
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (sizes, failures) = try await withLog { connection, log in
                let lease = PublisherLease(
                    configuration: try LedgerConnection.configuration(databaseURL: LedgerDatabase().url)
                )
                try await lease.start()
                guard await lease.isHeld() else {
                    await lease.stop()
                    throw OperationError(.unavailable, "Another process publishes the log.")
                }
                let sizes = PublishedSizes()
                let failures = try await LedgerPublisher(logs: log.logs, observer: sizes).publish(all: true)
                await lease.stop()
                return (sizes.all, failures)
            }
            let logs = sizes.map { JSONValue.object(["log": .string($0.0), "size": .integer($0.1)]) }
            output.show([
                "logs": .array(logs),
                "failures": .array(failures.map { ["log": .string("\($0.log)"), "reason": .string("\($0.error)")] }),
            ]) { terminal in
                for (log, size) in sizes { terminal.line("\(log)  \(Numbers.count(size, "entry", plural: "entries"))") }
                for (log, error) in failures {
                    terminal.line("\(terminal.styled("not published", .red, .bold))  \(log): \(error)")
                }
            }
            if !failures.isEmpty { throw ExitCode(OperationError.Kind.negative.rawValue) }
        }
    }

    struct Compare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare the database with the published logs, event by event. Exit code 1 when they differ.",
            discussion: """
                Finds what was changed together with every hash that follows from it, which `verify` can't. Settings as for \
                `serve`. To check the logs themselves: runledger audit fsck.
                """
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let results = try await withLog { connection, log in
                var results: [(log: LogID, size: UInt64, difference: String?)] = []
                let journals = (0..<connection.store.journalCount).map { LogID.journal(JournalID($0)) }
                for id in journals + [.ledger] {
                    Terminal.error.passing("comparing \(id)")
                    do {
                        let checkpoint = try await log.logs[id].compare()
                        results.append((id, checkpoint?.size ?? 0, nil))
                    } catch let error as LogPublishingError {
                        results.append((id, 0, error.description))
                    } catch let error as LogFileDamaged {
                        results.append((id, 0, error.description))
                    }
                }
                Terminal.error.clearPassing()
                return results
            }
            let isSame = results.allSatisfy { $0.difference == nil }
            let logs = results.map { result -> JSONValue in
                [
                    "log": .string("\(result.log)"), "size": .integer(Int64(clamping: result.size)),
                    "difference": result.difference.map { .string($0) } ?? .null,
                ]
            }
            output.show(["same": .bool(isSame), "logs": .array(logs)]) { terminal in
                for (log, size, difference) in results {
                    if let difference {
                        terminal.line("\(terminal.styled("differs", .red, .bold))  \(log): \(difference)")
                    } else {
                        terminal.line("\(terminal.styled("same", .green, .bold))  \(log): \(size)")
                    }
                }
            }
            if !isSame { throw ExitCode(OperationError.Kind.negative.rawValue) }
        }
    }

    struct Receipt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the receipts of an execution's events. Exit code 1 while they are not published.",
            discussion: "Example: runledger audit receipt EXECUTION --account ACCOUNT > run.tlog-proof"
        )
        @Argument(help: "The execution's id.", transform: { try OperatorText.id($0, of: "an execution") })
        var execution: ExecutionID
        @Option(help: "The account's id.", transform: Parse.account)
        var account: AccountID

        func run() async throws {
            let text = try await withLog { connection, log -> String? in
                guard let execution = try await connection.store.execution(execution, of: account) else {
                    throw OperationError(.negative, "The account has no execution with this id.")
                }
                return try await log.logs.receipt(of: execution, for: account)
            }
            guard let text else { throw OperationError(.negative, "Not all of its events are published yet.") }
            Terminal.output.text(text)
        }
    }
}

/// How large each log is, as a publisher tells.
private final class PublishedSizes: PublishingObserver, @unchecked Sendable {
    // The publisher is an actor and the only one who calls; it is read once the publisher has ended.
    private(set) var all: [(String, Int64)] = []

    func published(_ log: LogID, size: Int64) { all.append((log.description, size)) }
    func failed(_ log: LogID, _ error: any Error, isFinal: Bool) {}
}

/// Opens the ledger and its log for a command.
private func withLog<Value: Sendable>(
    _ body: (LedgerConnection, LogConnection) async throws -> Value
) async throws -> Value {
    let database = LedgerDatabase()
    let configuration = AppConfiguration(
        databaseURL: database.url,
        reading: ConfigReader(provider: EnvironmentVariablesProvider()),
        environment: ProcessInfo.processInfo.environment
    )
    return try await LedgerSetup(database).withLedger { connection in
        let log: LogConnection?
        do {
            log = try LogConnection.open(configuration, connection.store)
        } catch {
            throw OperationError(.usage, "The log can't be opened: \(error)")
        }
        guard let log else {
            throw OperationError(
                .usage,
                "This ledger has no log: RUNLEDGER_TLOG_KEY names no key.",
                advice: "Make one with: runledger audit key tlog.key --name NAME"
            )
        }
        do {
            let value = try await body(connection, log)
            await log.close()
            return value
        } catch {
            await log.close()
            throw error
        }
    }
}

extension OutputOptions {
    /// Makes a key if there is a name for it, and prints its verifier key.
    func showKey(
        _ file: String,
        name: String?,
        kind: NoteKeyKind,
        next: (NoteVerifier) -> String
    ) throws(OperationError) {
        let key = try openKey(file, name: name, kind: kind).verifier
        show(
            [("file", file), ("name", key.name), ("verifier key", key.description)],
            next: next(key),
            ["name": .string(key.name), "key": .string(key.description), "file": .string(file)]
        )
    }
}

/// Reads a key's file, or makes it if there is a name for the key.
func openKey(_ file: String, name: String? = nil, kind: NoteKeyKind) throws(OperationError) -> NoteSigner {
    do throws(KeyFile.Fault) {
        guard let name else { return try KeyFile.read(file, kind: kind) }
        return try KeyFile.create(file, name: name, kind: kind)
    } catch {
        throw OperationError(.usage, "\(error).")
    }
}
