import Exports
import Ledger
import LedgerStore
import LocalCluster
import Migrations
import Postgres
import Registry
import SQLFiles

/// Something that an operator asked for can't be done: what is wrong, and what to do about it.
public struct OperationError: Error, Sendable, CustomStringConvertible {
    /// What a failure means to whoever started the program; the raw value is the exit code.
    public enum Kind: Int32, Sendable {
        /// The answer is no: refused, damaged, pending, not found.
        case negative = 1
        /// The wish itself makes no sense; nothing was tried.
        case usage = 64
        /// What is needed for it is not there now.
        case unavailable = 69
    }

    /// What it means.
    public let kind: Kind
    /// What is wrong, in a sentence.
    public let message: String
    /// What to do about it, in a sentence; empty when there is nothing to say.
    public let advice: String
    /// Lines of a log or of another program, if they help.
    public let excerpt: String

    /// Makes an error.
    public init(_ kind: Kind, _ message: String, advice: String = "", excerpt: String = "") {
        self.kind = kind
        self.message = message
        self.advice = advice
        self.excerpt = excerpt
    }

    /// Message, advice and excerpt, on lines of their own.
    public var description: String {
        var lines = [message, advice].filter { !$0.isEmpty }
        lines += excerpt.split(separator: "\n").map { "    \($0)" }
        return lines.joined(separator: "\n")
    }
}

extension OperationError {
    /// The error in the words of an operator, whatever layer it comes from.
    ///
    /// - Parameters:
    ///   - error: what was thrown.
    ///   - database: what was being worked with, to say how to reach it.
    public init(_ error: any Error, database: LedgerDatabase? = nil) {
        switch error {
        case let error as OperationError: self = error
        case let error as LocalClusterError:
            self.init(.unavailable, error.message, advice: error.advice, excerpt: error.logTail)
        case let error as MigrationError: self.init(error, database: database)
        case let error as PostgresError: self.init(error, database: database)
        case let error as LedgerStoreError: self.init(error, database: database)
        case let error as VerificationFinding:
            self.init(
                .negative,
                "The ledger is damaged: \(error)",
                advice: "Stop writing to it and run `runledger verify`."
            )
        case let error as RegistryError:
            let advice =
                "Set the variables that they name, put `enabled: false` into models that you do not offer, or let "
                + "--simulator URL stand in; --models names another folder."
            self.init(.unavailable, "The models' definitions can't be used.", advice: advice, excerpt: "\(error)")
        case let error as ExportError: self.init(error)
        case let error as SQLFilesError:
            self.init(.unavailable, "The program's SQL files can't be used: \(error)")
        default: self.init(.unavailable, "\(error)")
        }
    }

    private init(_ error: ExportError) {
        switch error {
        case .complete, .ledgerDiffers, .damaged: self.init(.negative, error.description)
        case .unwritable: self.init(.unavailable, error.description)
        case .outside: self.init(.usage, error.description)
        case .folderNotEmpty, .otherExport:
            self.init(.usage, error.description, advice: "Name an empty folder, or one that is not there yet.")
        case .unfinished:
            self.init(.usage, error.description, advice: "Go on with it by --resume, or name another folder.")
        case .priceMissing: self.init(.usage, error.description, advice: "Give it with --usd-per-credit, such as 0.01.")
        }
    }

    private init(_ error: MigrationError, database: LedgerDatabase?) {
        if error.code == .connection {
            self = .unreachable(error.message, database: database)
            return
        }
        let kind: Kind = error.code == .edited || error.code == .outOfOrder ? .negative : .unavailable
        let place = error.path.map { "\($0)\(error.line.map { ":\($0)" } ?? ""): " } ?? ""
        self.init(kind, place + error.message, advice: error.advice)
    }

    private init(_ error: PostgresError, database: LedgerDatabase?) {
        switch error.code {
        case .configuration:
            self.init(.usage, "RUNLEDGER_DATABASE_URL can't be used: \(error.message).")
        case .connectionLost, .authentication, .deadlineExceeded:
            self = .unreachable(error.message, database: database)
        default: self.init(.unavailable, "PostgreSQL refused: \(error)")
        }
    }

    private init(_ error: LedgerStoreError, database: LedgerDatabase?) {
        switch error.code {
        case .notInitialized: self = .noLedger(in: database)
        case .unavailable where error.outcome == .unknown:
            self.init(
                .unavailable,
                "The database was lost, and nobody knows yet whether the command was carried out (\(error.message)).",
                advice: "Look at the account before you try again: runledger account show ACCOUNT"
            )
        case .unavailable: self = .unreachable(error.message, database: database)
        case .damaged: self.init(.negative, error.message, advice: "Run `runledger verify`.")
        default: self.init(.unavailable, error.description)
        }
    }

    /// The database has no ledger.
    static func noLedger(in database: LedgerDatabase?) -> OperationError {
        OperationError(
            .unavailable,
            "There is no ledger in \(database?.displayName ?? "the database").",
            advice: "Create it with: runledger init"
        )
    }

    /// The database can't be reached.
    static func unreachable(_ reason: String, database: LedgerDatabase?) -> OperationError {
        let trimmed = reason.split(separator: "\n").joined(separator: " ")
        if let database, !database.isPrivate {
            return OperationError(
                .unavailable,
                "The database \(database.displayName) can't be reached.",
                advice: "Check RUNLEDGER_DATABASE_URL and that the server runs.",
                excerpt: trimmed
            )
        }
        return OperationError(
            .unavailable,
            "The private PostgreSQL can't be reached.",
            advice: "Start it with: runledger db start",
            excerpt: trimmed
        )
    }
}
