/// A JSON Pointer (RFC 6901) into a provider's answer, with one addition: a token that is exactly `*` stands for every
/// element of an array, so `/images/*/url` selects the URL of each image.
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// The reference tokens, unescaped; `*` is a wildcard.
    private let tokens: [String]

    /// The whole document.
    public static let root = JSONPointer(tokens: [])

    private init(tokens: [String]) { self.tokens = tokens }

    /// Reads a pointer; nil when it is neither empty nor begins with `/`, or has a `~` not followed by 0 or 1.
    public init?(_ text: String) {
        guard !text.isEmpty else {
            self = .root
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        var tokens: [String] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            var token = ""
            var isEscaped = false
            for character in part {
                switch (isEscaped, character) {
                case (true, "0"): token.append("~")
                case (true, "1"): token.append("/")
                case (true, _): return nil
                case (false, "~"): break
                case (false, _): token.append(character)
                }
                isEscaped = !isEscaped && character == "~"
            }
            guard !isEscaped else { return nil }
            tokens.append(token)
        }
        self.tokens = tokens
    }

    /// The first value that the pointer selects, or nil.
    public func first(in document: JSONValue) -> JSONValue? {
        guard tokens.contains("*") else { return resolve(tokens[...], in: document) }
        return all(in: document).first
    }

    /// Every value that the pointer selects, in document order: at most one without a wildcard.
    public func all(in document: JSONValue) -> [JSONValue] {
        var found: [JSONValue] = []
        collect(tokens[...], in: document, into: &found)
        return found
    }

    private func collect(_ tokens: ArraySlice<String>, in value: JSONValue, into found: inout [JSONValue]) {
        guard let star = tokens.firstIndex(of: "*") else {
            if let selected = resolve(tokens, in: value) { found.append(selected) }
            return
        }
        for element in resolve(tokens[..<star], in: value)?.arrayValue ?? [] {
            collect(tokens[(star + 1)...], in: element, into: &found)
        }
    }

    private func resolve(_ tokens: ArraySlice<String>, in document: JSONValue) -> JSONValue? {
        var value = document
        for token in tokens {
            switch value {
            case .object(let members):
                guard let member = members[token] else { return nil }
                value = member
            case .array(let elements):
                // RFC 6901, section 4: an index has no sign and no leading zero.
                guard token == "0" || token.utf8.first != UInt8(ascii: "0"),
                    token.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                    let index = Int(token), elements.indices.contains(index)
                else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }

    /// The pointer in its text form.
    public var description: String {
        tokens.map { token in
            "/"
                + token.map { character in
                    switch character {
                    case "~": "~0"
                    case "/": "~1"
                    default: String(character)
                    }
                }.joined()
        }.joined()
    }
}
