import Administration
public import Console
import Hummingbird
import Ledger
import LedgerStore
import LogFiles
public import LogPublishing
import Logging
import Postgres
import RunAPI
import ServiceLifecycle
import TransparencyLog

extension AppConfiguration {
    /// Adds the console's pages, if its secret is known.
    ///
    /// - Returns: what has to run beside the service; nil without a console.
    func addConsole(
        to router: Router<APIContext>,
        _ desk: AdminDesk,
        _ log: LogConnection?,
        _ board: AuditBoard,
        _ logger: Logger
    ) async throws -> DayBook? {
        guard let consoleSecret else { return nil }
        guard let sealer = SessionSealer(secret: consoleSecret) else {
            throw SettingError(description: "RUNLEDGER_CONSOLE_SECRET must have 32 characters or more")
        }
        if let name = consoleAuditors.sorted().first(where: { !Operator.isName($0) }) {
            let form = "names of operators are needed, with commas between them"
            throw SettingError(description: "RUNLEDGER_CONSOLE_AUDITORS: \(name) is no name; \(form)")
        }
        let console = try await Console(
            desk: desk,
            reader: try await openReader(),
            environmentToken: try checkedAdminToken(),
            settings: Console.Settings(
                sealer: sealer,
                auditors: consoleAuditors,
                isSecure: publicURL?.lowercased().hasPrefix("https:") == true,
                auditBoard: board,
                log: log?.logs
            ),
            logger: logger,
            clock: { SystemClock.now() }
        )
        console.addRoutes(to: router)
        return console.dayBook
    }

    private func openReader() async throws -> ConsoleReader {
        do {
            return try await ConsoleReader.open(databaseURL: consoleDatabaseURL ?? databaseURL) { SystemClock.now() }
        } catch let error as PostgresError {
            let advice = "its login must be a member of the role runledger_console (docs/console.md)"
            throw SettingError(description: "the console can't read the database: \(error.message); \(advice)")
        }
    }
}

extension LedgerLogSet: ConsoleLog {
    /// The ledger's key, as auditors need it.
    public var key: String { verifier.description }

    /// The ledger's own checkpoint as it is published; nil before the first.
    public func checkpoint() async throws -> PublishedCheckpoint? {
        guard let note = try await storage.checkpointNote(below: "") else { return nil }
        guard let checkpoint = Checkpoint(note, signedBy: verifier) else { throw LogPublishingError.checkpointNotOurs }
        return PublishedCheckpoint(
            size: Int64(checkpoint.size),
            root: checkpoint.root.base64,
            witnesses: note.signatures.map(\.name).filter { $0 != verifier.name },
            note: note.description
        )
    }
}

extension DayBook? {
    /// What to run of a console that may not be there.
    var services: [any Service] { map { [$0] } ?? [] }
}
