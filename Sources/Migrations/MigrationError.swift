internal import Postgres
internal import SQLFiles

/// A database can't be brought to what this program needs.
public struct MigrationError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; extensible, so switch with a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        init(_ description: String) { self.description = description }

        /// A migration is no longer what was applied.
        public static let edited = Code("edited")
        /// The database has migrations that this program does not know.
        public static let databaseIsNewer = Code("databaseIsNewer")
        /// A migration stands before one that was already applied.
        public static let outOfOrder = Code("outOfOrder")
        /// A file failed; nothing of it is left unless it runs outside of a transaction.
        public static let statementFailed = Code("statementFailed")
        /// What is pending has to be done by a superuser.
        public static let superuserRequired = Code("superuserRequired")
        /// The login may not take the owner's role.
        public static let notMigrator = Code("notMigrator")
        /// Another migrator did not finish in time, or a table stayed locked.
        public static let locked = Code("locked")
        /// The server or the database is of a kind that can't hold a ledger.
        public static let unsuitableDatabase = Code("unsuitableDatabase")
        /// The server can't be reached, or was lost.
        public static let connection = Code("connection")
    }

    /// The kind of failure.
    public let code: Code
    /// What is wrong, in a sentence.
    public let message: String
    /// What to do about it, in a sentence.
    public let advice: String
    /// The file, below the SQL folder.
    public let path: String?
    /// The line in the file, from 1, when the server points at one.
    public let line: Int?
    /// The five-letter SQLSTATE, when the server refused something.
    public let sqlState: String?

    init(
        _ code: Code,
        _ message: String,
        advice: String,
        path: String? = nil,
        line: Int? = nil,
        sqlState: String? = nil
    ) {
        self.code = code
        self.message = message
        self.advice = advice
        self.path = path
        self.line = line
        self.sqlState = sqlState
    }

    /// The place, what is wrong there, and what to do, on one line.
    public var description: String {
        let place = path.map { "\($0)\(line.map { ":\($0)" } ?? ""): " } ?? ""
        return "\(place)\(message)\(sqlState.map { " (SQLSTATE \($0))" } ?? "") \(advice)"
    }
}

extension MigrationError {
    /// What a failure of the connection means outside of any file.
    init(_ error: PostgresError) {
        if error.sqlState == "55P03" {
            self.init(
                .locked,
                "another migrator is at work and did not finish in time",
                advice: "Wait for it; pg_locks names the process that holds the advisory lock.",
                sqlState: error.sqlState
            )
            return
        }
        self.init(
            .connection,
            error.message + (error.detail.map { ": \($0)" } ?? ""),
            advice: error.hint ?? "Check that the server runs and that the URL names it.",
            sqlState: error.sqlState
        )
    }

    /// What a failure of a file's SQL means.
    init(_ error: PostgresError, in file: SQLFile) {
        var message = error.message
        if let detail = error.detail { message += ": \(detail)" }
        let advice =
            switch error.sqlState {
            case "55P03": "A table stayed locked: end the transaction that uses it, or migrate again later."
            case nil: "The connection was lost; migrate again."
            default:
                error.hint
                    ?? (file.runsOutsideTransaction
                        ? "Look at what it left behind before you migrate again." : "Nothing of this file was kept.")
            }
        self.init(
            error.sqlState == "55P03" ? .locked : error.sqlState == nil ? .connection : .statementFailed,
            message.hasSuffix(".") ? message : message + ".",
            advice: advice,
            path: file.path,
            line: error.position.map(file.line(ofCharacter:)),
            sqlState: error.sqlState
        )
    }
}
