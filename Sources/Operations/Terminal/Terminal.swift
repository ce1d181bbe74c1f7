public import Foundation
import Glibc

/// Where text for people goes: standard output, with colours and moving lines only where a person sees them.
public struct Terminal: Sendable {
    /// How a piece of text looks.
    public enum Style: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    /// Whether text is coloured: on a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    public let isColoured: Bool
    /// Whether a line may be written over.
    public let isInteractive: Bool
    /// The characters in a line, 60 to 200.
    public let width: Int
    private let descriptor: Int32

    /// Standard output.
    public static let output = Terminal(descriptor: STDOUT_FILENO)
    /// Standard error, for progress beside output that another program may read.
    public static let error = Terminal(descriptor: STDERR_FILENO)

    /// Looks at a descriptor and the environment.
    public init(
        descriptor: Int32,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.descriptor = descriptor
        let isTerminal = isatty(descriptor) == 1 && environment["TERM"] != "dumb"
        self.isInteractive = isTerminal
        self.isColoured = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
        var size = winsize()
        let hasSize = isTerminal && ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let columns = hasSize ? Int(size.ws_col) : environment["COLUMNS"].flatMap { Int($0) } ?? 120
        self.width = min(200, max(60, columns))
    }

    /// The text in a style, or as it is where colours are not wanted.
    public func styled(_ text: String, _ styles: Style...) -> String {
        guard isColoured, !styles.isEmpty, !text.isEmpty else { return text }
        return "\u{1B}[\(styles.map(\.rawValue).joined(separator: ";"))m\(text)\u{1B}[0m"
    }

    /// Writes a line.
    public func line(_ text: String = "") { write(text + "\n") }

    /// Writes text as it is.
    public func text(_ text: String) { write(text) }

    /// Shows a line that the next one replaces; nothing where lines can't be written over.
    public func passing(_ text: String) {
        guard isInteractive else { return }
        write("\r\u{1B}[K" + String(text.prefix(width - 1)))
    }

    /// Takes a passing line away.
    public func clearPassing() {
        guard isInteractive else { return }
        write("\r\u{1B}[K")
    }

    private func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // Whoever was reading has gone: there is nobody to tell.
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
