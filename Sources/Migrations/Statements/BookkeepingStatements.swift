import SQLFiles

/// The statements that write the migrator's books.
enum BookkeepingStatements {
    /// Notes that a file was applied, in the words of the book that it belongs to.
    ///
    /// - Parameters:
    ///   - file: the file.
    ///   - microseconds: how long it took.
    static func record(_ file: SQLFile, microseconds: Int64) -> String {
        let isMigration = file.path.hasPrefix(SQLFiles.Folder.migrations.rawValue + "/")
        let (table, key) = isMigration ? ("migrations", file.name) : ("replaceables", file.path)
        let column = isMigration ? "name" : "path"
        let columns = "checksum, applied_at, applied_by, duration_microseconds"
        let statement = """
            INSERT INTO ledger.\(table) (\(column), \(columns))
            VALUES (\(quoted(key)), '\(file.checksum)', clock_timestamp(), session_user, \(microseconds))
            """
        guard !isMigration else { return statement }
        return statement + """
             ON CONFLICT (path) DO UPDATE SET (\(columns))
            = ROW(excluded.checksum, excluded.applied_at, excluded.applied_by, excluded.duration_microseconds)
            """
    }

    /// A text as an SQL literal.
    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }
}
