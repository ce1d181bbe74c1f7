/// What is wrong with an invoice's file, its mapping or what was said about it: where, and which limit it breaks.
public struct InvoiceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line of the file, from 1; nil for what concerns no line.
    public let line: Int?
    /// The name of the column; nil for what concerns the whole line.
    public let column: String?
    /// What is wrong, in a clause.
    public let message: String

    /// Makes an error.
    public init(line: Int? = nil, column: String? = nil, _ message: String) {
        self.line = line
        self.column = column
        self.message = message
    }

    /// `line 3, column BilledCost: …`.
    public var description: String {
        let place = [line.map { "line \($0)" }, column.map { "column \($0)" }].compactMap { $0 }.joined(separator: ", ")
        return place.isEmpty ? message : "\(place): \(message)"
    }
}
