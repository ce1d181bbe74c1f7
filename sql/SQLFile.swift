internal import Crypto

/// One file of SQL with what the migrator must know of it.
public struct SQLFile: Hashable, Sendable {
    /// Where it is below the SQL folder, for example `functions/event_hash.sql`.
    public let path: String
    /// The SQL.
    public let text: String
    /// The SHA-256 of the text in lower-case hexadecimal.
    public let checksum: String
    /// Whether a superuser has to run it, as itself: the line `-- migrator: superuser`. Otherwise the owner does.
    public let needsSuperuser: Bool
    /// Whether it holds a single statement that can't run inside a transaction: the line `-- migrator: no transaction`.
    public let runsOutsideTransaction: Bool

    /// Takes the text of a file and reads the directives in the comment that it starts with.
    ///
    /// - Throws: an unknown directive, or a statement of its own that begins or ends a transaction.
    public init(path: String, text: String) throws(SQLFilesError) {
        self.path = path
        self.text = text
        self.checksum = SHA256.hash(data: Array(text.utf8))
            .map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            .joined()
        var directives: Set<String> = []
        let marker = "-- migrator: "
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            if line.hasPrefix(marker) {
                let directive = String(line.dropFirst(marker.count))
                guard ["superuser", "no transaction"].contains(directive) else {
                    throw SQLFilesError(path: path, line: index + 1, "`\(directive)` is no directive of the migrator")
                }
                directives.insert(directive)
            }
            let word = line.trimmingSpaces().uppercased()
            if ["BEGIN;", "COMMIT;", "ROLLBACK;", "START TRANSACTION;"].contains(word), !path.hasPrefix("reports/") {
                throw SQLFilesError(path: path, line: index + 1, "`\(word)`: the migrator begins and ends transactions")
            }
        }
        self.needsSuperuser = directives.contains("superuser")
        self.runsOutsideTransaction = directives.contains("no transaction")
    }

    /// The file's name without folder, for example `0001_journals_and_events.sql`.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The line, from 1, of a character that PostgreSQL counts from 1.
    public func line(ofCharacter position: Int) -> Int {
        text.unicodeScalars.prefix(max(0, position - 1)).reduce(1) { $1 == "\n" ? $0 + 1 : $0 }
    }
}

extension Substring {
    fileprivate func trimmingSpaces() -> Substring {
        var rest = self
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
