import Administration
public import ArgumentParser
import Foundation
public import Ledger
public import LedgerStore
import Operations
import Reconciliation
import Registry

extension InvoiceOutcome: ExpressibleByArgument {}
extension SuspenseResolution: ExpressibleByArgument {}
extension ItemState: ExpressibleByArgument {}

/// Invoices of providers.
struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Compare providers' invoices with the ledger, and decide on the differences.",
        discussion: """
            A line and a run are the same when provider and request are. Differences beyond the tolerance wait in the account \
            Liabilities:Suspense until they are resolved. docs/reconciliation.md says where each provider's file is from.
            """,
        subcommands: [Import.self, List.self, Show.self, Resolve.self, Check.self]
    )

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import an invoice. The same file again is recognized and changes nothing.",
            discussion: """
                Examples:
                  runledger reconcile import usage.csv --provider fal --invoice 2027-01 --from 2027-01 --dry-run
                  runledger reconcile import bill.csv --provider ark --invoice A-17 --rate CNY=0.1389
                """
        )
        @Argument(help: "The CSV file; - for standard input.")
        var file: String
        @Option(help: "The provider, as its definition names it.")
        var provider: String
        @Option(help: "The invoice's number.")
        var invoice: String
        @Option(help: "A built-in mapping or a YAML file; the provider's own when left out.")
        var mapping: String?
        @Option(help: "A currency besides USD and its rate, such as EUR=1.0837.")
        var rate: String?
        @Option(help: "The first day or the month that the invoice is for; from its first line on when left out.")
        var from: String?
        @Option(help: "The last day; that of --from when left out.")
        var until: String?
        @Option(help: "A file of tolerances; those built in when left out.")
        var tolerance: String?
        @Flag(help: "Only show what would be found.")
        var dryRun = false
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let read = try OperationError.refusing { () throws(AdminFailure) in try readFile() }
            let found = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in
                    try await admin.importInvoice(read.file, read.order, isTrial: dryRun, desk.call())
                }
            }
            output.show(found.json) { ReconciliationSheet($0).show(found) }
        }

        private func readFile() throws(AdminFailure) -> (order: InvoiceOrder, file: InvoiceFile) {
            let isFile = mapping.map { $0.contains("/") || $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") } ?? false
            let own =
                try isFile ? mapping.map { (path) throws(AdminFailure) in (path, try text(path, "mapping")) } : nil
            let order = try InvoiceOrder(
                provider: provider,
                invoice: invoice,
                mapping: isFile ? nil : mapping,
                file: own.map { (name: URL(fileURLWithPath: $0.0).lastPathComponent, text: $0.1) },
                rate: rate,
                from: from,
                until: until,
                tolerances: try tolerance.map { (path) throws(AdminFailure) in try text(path, "tolerance") }
            )
            let opened = file == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: file)
            guard let handle = opened else { throw .invalid("file", "\(file) can't be read") }
            var intake = InvoiceIntake(order)
            while true {
                let piece: Data?
                do { piece = try handle.read(upToCount: 1 << 16) } catch {
                    throw .invalid("file", "\(file) can't be read")
                }
                guard let piece, !piece.isEmpty else { return (order, try intake.finish()) }
                try intake.take(piece)
            }
        }

        private func text(_ path: String, _ field: String) throws(AdminFailure) -> String {
            guard let data = FileManager.default.contents(atPath: path),
                let text = String(validating: data, as: UTF8.self)
            else { throw .invalid(field, "\(path) can't be read as UTF-8") }
            return text
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the invoices that were imported, the latest first."
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let imports = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in try await admin.everyImport() }
            }
            output.show(["imports": .array(imports.map(\.json))]) { ReconciliationSheet($0).show(imports) }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hash anew what is kept of every import. Exit code 1 when it is not what the event recorded."
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let changed = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in try await admin.checkImports() }
            }
            output.show([
                "clean": .bool(changed.isEmpty), "changed": .array(changed.map { .string("\($0.id)") }),
            ]) { terminal in
                for record in changed {
                    terminal.line("\(terminal.styled("differs", .red, .bold))  \(record): something of it was changed")
                }
                if changed.isEmpty { terminal.line("Of every import is kept what its event recorded.") }
            }
            if !changed.isEmpty { throw ExitCode(OperationError.Kind.negative.rawValue) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what an import found, and what became of it.",
            discussion: """
                Examples:
                  runledger reconcile show 2027-01
                  runledger reconcile show 8f3a --class duplicate
                  runledger reconcile show 2027-01 --csv > differences.csv
                """
        )
        @Argument(help: "The import's id or its beginning, or the invoice's number.")
        var `import`: String
        @Option(
            name: .customLong("class"),
            help: "matched, price_differs, missing_with_us, missing_with_them or duplicate."
        )
        var outcome: InvoiceOutcome?
        @Option(help: "Only items in this state: open, accepted, claimed, reversed, credited or written_off.")
        var state: ItemState?
        @Flag(help: "Print the items as CSV, all of them.")
        var csv = false
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (record, items) = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in
                    let record = try await admin.import(named: `import`)
                    var query = InvoiceItemQuery(record.value.id)
                    query.outcome = outcome
                    query.state = state
                    query.isExceptions = outcome == nil && state == nil && !csv
                    return (record, try await admin.everyItem(query))
                }
            }
            if csv {
                Terminal.output.line(ReconciliationSheet.csvHeading)
                for item in items { Terminal.output.line(ReconciliationSheet.csv(item)) }
                return
            }
            output.show(.object(record.members(with: items))) { ReconciliationSheet($0).show(record, items) }
        }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take items out of suspense, or end claims for them.",
            discussion: """
                accepted: ours to bear. claimed: the provider is asked to give it back. reversed: owed as booked after all. \
                Of a claim: credited, it was given back; written_off, ours to bear after all.

                Examples:
                  runledger reconcile resolve 2027-01 --item 12 --item 13 --as claimed --reason "billed twice"
                  runledger reconcile resolve 2027-01 --class price_differs --as accepted --reason "new price list"
                """
        )
        @Argument(help: "The import's id or its beginning, or the invoice's number.")
        var `import`: String
        @Option(name: .customLong("item"), help: "The number of an item; may be given again.")
        var items: [Int64] = []
        @Option(name: .customLong("class"), help: "All items of this class that can be resolved so.")
        var outcome: InvoiceOutcome?
        @Flag(help: "All items that can be resolved so.")
        var all = false
        @Option(name: .customLong("as"), help: "accepted, claimed, reversed, credited or written_off.")
        var resolution: SuspenseResolution
        @Option(
            help: "Why, one line; it stays for good and in clear, so nothing personal.",
            transform: { try OperatorText.label($0, longest: 500) }
        )
        var reason: String
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard [!items.isEmpty, outcome != nil, all].count(where: { $0 }) == 1 else {
                throw ValidationError("Say which items: --item, --class or --all.")
            }
        }

        func run() async throws {
            let decision = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in
                    let record = try await admin.import(named: `import`)
                    let choice = SuspenseChoice(
                        importID: record.value.id,
                        items: items.isEmpty ? .every(outcome) : .numbers(items),
                        resolution: resolution,
                        reason: reason
                    )
                    return try await admin.resolve(choice, desk.call())
                }
            }
            output.show(decision.json) { terminal in
                let count = Numbers.count(decision.items.count, "item")
                terminal.line("\(count) \(resolution.words), \(ReconciliationSheet.dollars(decision.microUSD)) USD.")
            }
        }
    }
}
