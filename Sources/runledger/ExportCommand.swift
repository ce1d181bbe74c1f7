import App
public import ArgumentParser
public import Exports
import Foundation
import LedgerStore
import Operations
import Postgres
import Registry

extension ExportKind: ExpressibleByArgument {}

/// Writes the ledger out for others.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write events, postings, charges or books into a folder, with a manifest of positions and hashes.",
        discussion: """
            Examples:
              runledger export postings --to books-2027-01
              runledger export focus --to focus --usd-per-credit 0.01
              runledger export beancount --to books && bean-check books/books.beancount

            An export holds all events there are when it begins. One that was interrupted goes on with --resume, up to \
            the same positions. scripts/export-parquet FOLDER makes Parquet of an export's CSV. The login needs the role \
            runledger_finance.
            """
    )
    @Argument(help: "events, postings, focus, beancount or hledger.")
    var kind: ExportKind
    @Option(help: "The folder to write to; made if it is not there.")
    var to: String
    @Option(help: "What a credit is sold for, in USD; for focus only.", transform: Parse.price)
    var usdPerCredit: String?
    @Flag(help: "Go on with an export that was interrupted.")
    var resume = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard kind != .focus || usdPerCredit != nil else {
            throw ValidationError("FOCUS states costs in USD: give what a credit is sold for with --usd-per-credit.")
        }
        guard kind == .focus || usdPerCredit == nil else {
            throw ValidationError("--usd-per-credit is for focus only: nothing else states costs in USD.")
        }
    }

    func run() async throws {
        let start = ContinuousClock.now
        let folder = URL(fileURLWithPath: to)
        let database = LedgerDatabase()
        let manifest = try await LedgerSetup(database).withLedger(sessions: 1) { connection in
            var finance = try PostgresConfiguration(url: database.url)
            finance.role = "runledger_finance"
            finance.settings = [("TimeZone", "UTC"), ("DateStyle", "ISO, YMD"), ("jit", "off")]
            let export = try LedgerExport(kind, to: folder, price: usdPerCredit)
            return try await export.run(connection.store, finance, resumes: resume) { progress in
                let share = progress.total == 0 ? 100 : progress.done * 100 / progress.total
                Terminal.error.passing("exporting: \(Numbers.count(progress.done, "event")), \(share) %")
            }
        }
        Terminal.error.clearPassing()
        output.show(manifest.json) { terminal in
            for file in manifest.files {
                terminal.line(
                    "\(file.name)  \(Numbers.grouped(file.bytes)) bytes  \(terminal.styled(file.sha256, .dim))"
                )
            }
            let time = terminal.styled("in \(Numbers.elapsed(.now - start))", .dim)
            terminal.line(
                "\(Numbers.count(manifest.files.count, "file")) of \(Numbers.count(manifest.eventCount, "event")) in \(to) \(time)"
            )
        }
    }
}
