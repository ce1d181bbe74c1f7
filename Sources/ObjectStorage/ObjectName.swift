/// The name of an object: parts joined by slashes, of characters that mean nothing to a URL, a shell or a file system.
public struct ObjectName: Hashable, Sendable, CustomStringConvertible {
    /// The parts, in order.
    public let parts: [String]

    /// The longest name, in bytes.
    public static let maximumBytes = 512

    /// Reads a name; nil unless it has one to 16 parts of ASCII letters, digits, `-`, `_` and `.`, none of which begins
    /// with a dot, and 512 bytes at most. So no name leads out of a folder.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard text.utf8.count <= Self.maximumBytes, parts.count <= 16, parts.allSatisfy(Self.isPart) else { return nil }
        self.parts = parts
    }

    private static func isPart(_ part: String) -> Bool {
        guard let first = part.utf8.first, first != UInt8(ascii: ".") else { return false }
        return part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }

    /// The parts joined by slashes.
    public var description: String { parts.joined(separator: "/") }
}
