/// The SQL files are missing, incomplete or not what they must be.
public struct SQLFilesError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file or folder.
    public let path: String
    /// The line, from 1, when it is about one.
    public let line: Int?
    /// What is wrong, for a person.
    public let reason: String

    init(path: String, line: Int? = nil, _ reason: String) {
        self.path = path
        self.line = line
        self.reason = reason
    }

    /// The place and what is wrong there.
    public var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}
