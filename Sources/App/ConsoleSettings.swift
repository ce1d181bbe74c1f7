import Administration
import Console
import Hummingbird
import LedgerStore
import Logging
import Postgres
import RunAPI
import ServiceLifecycle

extension AppConfiguration {
    /// Adds the console's pages, if its secret is known.
    ///
    /// - Returns: what has to run beside the service; nil without a console.
    func addConsole(to router: Router<APIContext>, _ desk: AdminDesk, _ logger: Logger) async throws -> DayBook? {
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
                isSecure: publicURL?.lowercased().hasPrefix("https:") == true
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

extension DayBook? {
    /// What to run of a console that may not be there.
    var services: [any Service] { map { [$0] } ?? [] }
}
