import App
import ArgumentParser
import AsyncHTTPClient
import Configuration
import Foundation
import Ledger
import LogFiles
import ObjectStorage
import Operations
import Registry
import TransparencyLog

/// What every check needs: a key that came by another way, and perhaps whose cosignatures are asked for.
struct TrustOptions: ParsableArguments {
    @Option(
        help: "The ledger's verifier key, `name+id+base64`, or that of one journal's log.",
        transform: Self.verifier
    )
    var key: NoteVerifier
    @Option(help: "A file that says which witnesses must have cosigned (c2sp.org/tlog-policy).")
    var policy: String?

    static func verifier(_ text: String) throws -> NoteVerifier {
        guard let key = NoteVerifier(text), key.kind == .log else {
            throw OperationError(.usage, "`\(text)` is no log's verifier key: name+id+base64.")
        }
        return key
    }

    func readPolicy() throws -> WitnessPolicy {
        guard let policy else { return WitnessPolicy() }
        let text = try readFile(policy)
        do throws(WitnessPolicy.Fault) {
            return try WitnessPolicy(text)
        } catch {
            throw OperationError(.usage, "\(policy): \(error).")
        }
    }
}

extension AuditCommand {
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check receipts, with nothing but them and a key. Exit code 1 when they don't hold.",
            discussion: "Example: runledger audit verify run.tlog-proof --key 'ledger.example+1f2e3d4c+AXd…'"
        )
        @Argument(help: "The file with one receipt or several; - for standard input.")
        var bundle: String
        @OptionGroup var trust: TrustOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let policy = try trust.readPolicy()
            let contents: ReceiptBundle.Contents
            let reason: String
            if let receipts = ReceiptBundle(try readFile(bundle)) {
                do throws(ReceiptBundle.Fault) {
                    contents = try receipts.verify(key: trust.key, policy: policy)
                    return show(contents)
                } catch {
                    reason = error.description
                }
            } else {
                reason = "it is no receipt"
            }
            output.show(["valid": false, "reason": .string(reason)]) { terminal in
                terminal.line("\(terminal.styled("does not hold", .red, .bold))  \(reason)")
            }
            throw ExitCode(OperationError.Kind.negative.rawValue)
        }

        private func show(_ contents: ReceiptBundle.Contents) {
            let events = contents.events.map { event in
                JSONValue.object(Dictionary(uniqueKeysWithValues: event.described.map { ($0.name, .string($0.value)) }))
            }
            let checkpoints = (contents.journals + [contents.ledger].compactMap { $0 }).map { checkpoint -> JSONValue in
                [
                    "origin": .string(checkpoint.origin), "size": .integer(Int64(clamping: checkpoint.size)),
                    "root": .string(checkpoint.root.description),
                ]
            }
            output.show(["valid": true, "events": .array(events), "checkpoints": .array(checkpoints)]) { terminal in
                terminal.line(terminal.styled("holds", .green, .bold))
                for event in contents.events {
                    terminal.line("")
                    for (name, value) in event.described { terminal.line("  \(name): \(value)") }
                }
                terminal.line("")
                for checkpoint in contents.journals + [contents.ledger].compactMap({ $0 }) {
                    terminal.line("in \(checkpoint.origin) of \(checkpoint.size) entries, root \(checkpoint.root)")
                }
                if contents.ledger == nil { terminal.line("The receipts do not go up to the ledger's log.") }
            }
        }
    }

    struct Fsck: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check all files of a log, and name the first bad thing of each. Exit code 1 when there is one.",
            discussion: """
                Examples:
                  runledger audit fsck .runledger/tlog --key 'ledger.example+1f2e3d4c+AXd…'
                  runledger audit fsck https://ledger.example/log --key 'ledger.example+1f2e3d4c+AXd…'
                  runledger audit fsck s3://ledger-log --key 'ledger.example+1f2e3d4c+AXd…'
                From a URL the entries of journals are read with an operator's token in RUNLEDGER_OPERATOR_TOKEN; without \
                one, their hashes alone are checked. A bucket is read itself, with the storage and a key that may read \
                in RUNLEDGER_S3_*: docs/media.md.
                """
        )
        @Argument(help: "The folder, the URL or the bucket of the log.")
        var place: String
        @OptionGroup var trust: TrustOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let policy = try trust.readPolicy()
            let report: LogAuditReport
            if place.hasPrefix("http://") || place.hasPrefix("https://") {
                let client = HTTPClient(eventLoopGroupProvider: .singleton)
                let token = ProcessInfo.processInfo.environment["RUNLEDGER_OPERATOR_TOKEN"]
                do {
                    report = try await audit(LogURL(place, token: token, client: client), policy)
                    try await client.shutdown()
                } catch {
                    try? await client.shutdown()
                    throw error
                }
            } else if place.hasPrefix("s3://") {
                report = try await audit(bucket: String(place.dropFirst("s3://".count)), policy)
            } else {
                report = try await audit(LogFolder(place), policy)
            }
            show(report)
            if !report.isClean { throw ExitCode(OperationError.Kind.negative.rawValue) }
        }

        private func audit(bucket name: String, _ policy: WitnessPolicy) async throws -> LogAuditReport {
            let own = ConfigReader(provider: EnvironmentVariablesProvider()).scoped(to: "runledger")
            do {
                return try await LogConnection.withBucket(name, MediaSettings(reading: own)) { files in
                    try await audit(files, policy)
                }
            } catch let error as S3ConfigurationError {
                throw OperationError(
                    .usage,
                    "The bucket can't be read: \(error).",
                    advice: "See RUNLEDGER_S3_* in docs/media.md."
                )
            }
        }

        private func audit(_ files: any LogReading, _ policy: WitnessPolicy) async throws -> LogAuditReport {
            do {
                let report = try await LogAudit(files, key: trust.key, policy: policy).run { count in
                    Terminal.error.passing("checking: \(Numbers.count(Int64(count), "entry", plural: "entries"))")
                }
                Terminal.error.clearPassing()
                return report
            } catch {
                throw OperationError(.unavailable, "The log can't be read: \(error)")
            }
        }

        private func show(_ report: LogAuditReport) {
            let logs = report.logs.map { log -> JSONValue in
                [
                    "origin": .string(log.checkpoint.origin), "size": .integer(Int64(clamping: log.checkpoint.size)),
                    "root": .string(log.checkpoint.root.description), "entriesChecked": .bool(log.hasEntries),
                    "earlierCheckpoints": .integer(Int64(log.earlierCheckpoints)),
                ]
            }
            let findings = report.findings.map { finding -> JSONValue in
                [
                    "origin": .string(finding.origin), "path": .string(finding.path),
                    "entry": finding.entry.map { .integer(Int64(clamping: $0)) } ?? .null,
                    "reason": .string(finding.reason),
                ]
            }
            output.show([
                "clean": .bool(report.isClean), "logs": .array(logs), "findings": .array(findings),
            ]) { terminal in
                for log in report.logs {
                    let size = Numbers.count(Int64(clamping: log.checkpoint.size), "entry", plural: "entries")
                    let note = log.hasEntries ? "" : " (hashes only)"
                    terminal.line(
                        "\(terminal.styled("holds", .green, .bold))  \(log.checkpoint.origin): \(size)\(note), root "
                            + "\(log.checkpoint.root)"
                    )
                }
                for finding in report.findings {
                    terminal.line("\(terminal.styled("damaged", .red, .bold))  \(finding)")
                }
            }
        }
    }
}

/// The text of a file, or of standard input for `-`.
private func readFile(_ path: String) throws(OperationError) -> String {
    let data = path == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: path)
    guard let data else { throw OperationError(.usage, "\(path) can't be read.") }
    return String(decoding: data, as: UTF8.self)
}
