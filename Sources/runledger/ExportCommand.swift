import App
public import ArgumentParser
public import Exports
import Foundation
import Ledger
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
              runledger export events --since 2027-01-01 --until 2027-02-01 --to january
              runledger export events --after january --to february

            An export holds all events there are when it begins, unless it is told where to begin and to end; books that \
            begin later open with what the accounts held by then. One that was interrupted goes on with --resume, up to \
            the same positions, and has the same bytes in the end. scripts/export-parquet FOLDER makes Parquet of an \
            export's CSV. The login needs the role runledger_finance.
            """
    )
    @Argument(help: "events, postings, focus, beancount or hledger.")
    var kind: ExportKind
    @Option(help: "The folder to write to; made if it is not there.")
    var to: String
    @Option(help: "What a credit is sold for, in USD; for focus only.", transform: Parse.price)
    var usdPerCredit: String?
    @OptionGroup var range: ExportRangeOptions
    @Flag(help: "Go on with an export that was interrupted, up to where it was to end.")
    var resume = false
    @Option(
        help: "Positions in a file: what an interruption costs at most.",
        transform: { try OperatorText.number($0, in: 1...LedgerExport.positionsPerPart * 100) }
    )
    var positionsPerFile = LedgerExport.positionsPerPart
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard kind != .focus || usdPerCredit != nil else {
            throw ValidationError("FOCUS states costs in USD: give what a credit is sold for with --usd-per-credit.")
        }
        guard kind == .focus || usdPerCredit == nil else {
            throw ValidationError("--usd-per-credit is for focus only: nothing else states costs in USD.")
        }
        guard !resume || range.isEmpty else {
            throw ValidationError("--resume goes on up to where the export was to end: name no range again.")
        }
    }

    func run() async throws {
        let start = ContinuousClock.now
        let folder = URL(fileURLWithPath: to)
        let bounds = try range.bounds()
        let database = LedgerDatabase()
        let manifest = try await LedgerSetup(database).withLedger(sessions: 1) { connection in
            var finance = try PostgresConfiguration(url: database.url)
            finance.role = "runledger_finance"
            finance.settings = [("TimeZone", "UTC"), ("DateStyle", "ISO, YMD"), ("jit", "off")]
            let export = try LedgerExport(
                kind,
                to: folder,
                bounds: bounds,
                price: usdPerCredit,
                positionsPerPart: positionsPerFile
            )
            return try await export.run(connection.store, finance, resumes: resume) { progress in
                let share = progress.total == 0 ? 100 : progress.done * 100 / progress.total
                let work = progress.stage == .hashing ? "reading hashes" : "exporting"
                Terminal.error.passing("\(work): \(Numbers.count(progress.done, "event")), \(share) %")
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

/// Where an export begins and ends.
struct ExportRangeOptions: ParsableArguments {
    @Option(help: "Begin with the events recorded at this time or later.", transform: Parse.moment)
    var since: Timestamp?
    @Option(
        help: "End before the first event recorded at this time or later; a time that is over.",
        transform: Self.past
    )
    var until: Timestamp?
    @Option(
        help: "Begin with this position of each journal; or several, one for each, with commas.",
        transform: Self.list
    )
    var fromPosition: [Int64]?
    @Option(
        help: "End before this position of each journal; or several, one for each, with commas.",
        transform: Self.list
    )
    var toPosition: [Int64]?
    @Option(help: "Begin where the export in this folder ended.")
    var after: String?

    var isEmpty: Bool {
        since == nil && until == nil && fromPosition == nil && toPosition == nil && after == nil
    }

    func validate() throws {
        guard [since != nil, fromPosition != nil, after != nil].count(where: { $0 }) <= 1 else {
            throw ValidationError("An export begins in one way: --since, --from-position or --after.")
        }
        guard until == nil || toPosition == nil else {
            throw ValidationError("An export ends in one way: --until or --to-position.")
        }
        if let since, let until, since > until { throw ValidationError("--since is after --until.") }
    }

    func bounds() throws -> ExportBounds {
        var bounds = ExportBounds()
        if let after {
            let file = URL(fileURLWithPath: after).appendingPathComponent(ExportManifest.fileName)
            guard let data = FileManager.default.contents(atPath: file.path), let json = try? JSONValue(parsing: data),
                let manifest = ExportManifest(json)
            else { throw OperationError(.usage, "\(file.path) is no manifest of an export.") }
            bounds = ExportBounds(after: manifest)
        }
        bounds.from = since.map { .time($0) } ?? fromPosition.map { .positions($0) } ?? bounds.from
        bounds.to = until.map { .time($0) } ?? toPosition.map { .positions($0) }
        return bounds
    }

    private static func past(_ text: String) throws -> Timestamp {
        let moment = try Parse.moment(text)
        guard moment <= SystemClock.now() else {
            throw OperationError(.usage, "`\(text)` is not over yet: events may still be recorded before it.")
        }
        return moment
    }

    private static func list(_ text: String) throws -> [Int64] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            try OperatorText.number(String(part), in: 1...Int64.max - 1)
        }
    }
}
