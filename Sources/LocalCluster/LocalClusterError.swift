/// Why a private PostgreSQL cluster could not be made, started or stopped, and what to do about it.
public struct LocalClusterError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; new kinds may be added, so a switch over it needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// PostgreSQL's server programs are not on this machine, or are older than version 15.
        public static let notInstalled = Code("notInstalled")
        /// The folder is not usable by the operating system's user that runs the server.
        public static let folderNotUsable = Code("folderNotUsable")
        /// Another process works on the same cluster and did not finish in time.
        public static let busy = Code("busy")
        /// `initdb` failed.
        public static let initializationFailed = Code("initializationFailed")
        /// The server did not start, or not in time.
        public static let startFailed = Code("startFailed")
        /// The server did not stop, or not in time.
        public static let stopFailed = Code("stopFailed")
        /// The server is needed for this and does not run.
        public static let notRunning = Code("notRunning")
        /// A statement given to `psql` failed.
        public static let statementFailed = Code("statementFailed")
        /// A setting's name is not one that PostgreSQL could have.
        public static let invalidSetting = Code("invalidSetting")

        /// The code's name, for logs.
        public let description: String

        private init(_ name: String) { self.description = name }
    }

    /// The kind of failure.
    public let code: Code
    /// What happened, in one sentence.
    public let message: String
    /// What to do about it, in one sentence.
    public let advice: String
    /// What the failing program printed, or the last lines of the server's log; empty when there are none.
    public let logTail: String

    /// Makes an error.
    ///
    /// - Parameters:
    ///   - code: the kind of failure.
    ///   - message: what happened, in one sentence.
    ///   - advice: what to do about it, in one sentence.
    ///   - logTail: the last lines of the program's output or of the server's log.
    public init(_ code: Code, _ message: String, advice: String, logTail: String = "") {
        self.code = code
        self.message = message
        self.advice = advice
        self.logTail = logTail
    }

    /// Message, advice and the end of the log, on lines of their own.
    public var description: String {
        var lines = [message, advice].filter { !$0.isEmpty }
        if !logTail.isEmpty {
            lines.append("The last lines of the output:")
            lines += logTail.split(separator: "\n").map { "    \($0)" }
        }
        return lines.joined(separator: "\n")
    }
}
