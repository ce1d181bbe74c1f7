/// Lines in columns, for people.
public struct TextTable: Sendable {
    /// A column.
    public struct Column: Sendable {
        /// Its heading.
        public let title: String
        /// Its characters; text that is longer pushes what follows to the right.
        public let width: Int
        /// Whether text stands at its right edge, as numbers do.
        public let isRight: Bool

        /// Makes a column.
        public init(_ title: String, width: Int, isRight: Bool = false) {
            self.title = title
            self.width = width
            self.isRight = isRight
        }
    }

    /// What stands in a row of one column, and how it looks.
    public struct Cell: Sendable, ExpressibleByStringLiteral {
        /// The text.
        public let text: String
        /// How it looks; nil for plain.
        public let style: Terminal.Style?

        /// Makes a cell.
        public init(_ text: String, _ style: Terminal.Style? = nil) {
            self.text = text
            self.style = style
        }

        /// Makes a plain cell.
        public init(stringLiteral value: String) { self.init(value) }
    }

    private static let gap = "  "
    private let columns: [Column]
    private let indent: String
    private let terminal: Terminal

    /// Makes a table; the last column is wrapped to the terminal's width.
    public init(_ columns: [Column], indent: Int = 0, terminal: Terminal) {
        self.columns = columns
        self.indent = String(repeating: " ", count: indent)
        self.terminal = terminal
    }

    /// The headings.
    public var heading: String { row(columns.map { Cell($0.title, .dim) }) }

    /// A row, of one line or more.
    public func row(_ cells: [Cell]) -> String {
        precondition(cells.count == columns.count, "a row has a cell for each column")
        var line = indent
        var used = indent.count
        for (column, cell) in zip(columns, cells).dropLast() {
            line += padded(cell, column) + Self.gap
            used += max(column.width, cell.text.count) + Self.gap.count
        }
        guard let last = cells.last, let column = columns.last else { return line }
        if column.isRight { return line + padded(last, column) }
        let start = indent.count + columns.dropLast().reduce(0) { $0 + $1.width + Self.gap.count }
        let room = max(20, terminal.width - max(start, used))
        let lines = Self.wrapped(last.text, to: room)
        let rest = lines.dropFirst().map { String(repeating: " ", count: start) + styled($0, last.style) }
        let text = ([line + styled(lines.first ?? "", last.style)] + rest).joined(separator: "\n")
        return text.hasSuffix(" ") ? String(text.reversed().drop { $0 == " " }.reversed()) : text
    }

    private func padded(_ cell: Cell, _ column: Column) -> String {
        let space = String(repeating: " ", count: max(0, column.width - cell.text.count))
        let text = styled(cell.text, cell.style)
        return column.isRight ? space + text : text + space
    }

    private func styled(_ text: String, _ style: Terminal.Style?) -> String {
        style.map { terminal.styled(text, $0) } ?? text
    }

    /// The text in lines of at most so many characters, broken at spaces where there are any.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = ""
            for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
                if !line.isEmpty, line.count + 1 + word.count > width {
                    lines.append(line)
                    line = String(word)
                } else {
                    line += line.isEmpty ? String(word) : " \(word)"
                }
            }
            lines.append(line)
        }
        return lines
    }
}

/// Names and values under each other.
public struct FactList: Sendable {
    private let terminal: Terminal
    private let indent: String
    private var facts: [(name: String, value: String)] = []

    /// Starts an empty list.
    public init(indent: Int = 0, terminal: Terminal) {
        self.indent = String(repeating: " ", count: indent)
        self.terminal = terminal
    }

    /// Adds a fact.
    public mutating func add(_ name: String, _ value: String) { facts.append((name, value)) }

    /// The lines.
    public var lines: [String] {
        let width = facts.map(\.name.count).max() ?? 0
        return facts.map { fact in
            let space = String(repeating: " ", count: width - fact.name.count + 2)
            return indent + terminal.styled(fact.name, .dim) + space + fact.value
        }
    }
}
