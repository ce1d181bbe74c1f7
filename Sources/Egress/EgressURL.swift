/// An http(s) URL that means the same to every reader: only forms that all parsers agree on are taken.
public struct EgressURL: Hashable, Sendable {
    /// `http` or `https`.
    public let scheme: String
    /// A name in lower case or an address; an IPv6 address without brackets.
    public let host: String
    /// The port, also when the URL leaves it out.
    public let port: Int
    /// Path and query, at least `/`; the fragment is dropped.
    public let target: String

    /// The host, when it is an address and no name.
    public var address: IPAddress? { IPAddress(host) }

    /// The longest URL that is taken, in bytes.
    public static let maximumBytes = 8_192

    /// Reads a URL.
    ///
    /// - Throws: an `EgressError` with code `badURL` that says what is wrong: too long, a character outside printable
    ///   ASCII, another scheme, user info, no host, a host that is neither a DNS name nor an address in its usual form,
    ///   or a port that is no number from 1 to 65535.
    public init(_ text: String) throws(EgressError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw .badURL("the URL has more than \(Self.maximumBytes) bytes")
        }
        // A backslash is a slash to some parsers and not to others.
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }) else {
            throw .badURL(
                "the URL holds a blank, a backslash, or a character outside ASCII that is not percent-encoded"
            )
        }
        guard let separator = text.firstRange(of: "://") else { throw .badURL("the URL has no scheme") }
        let scheme = text[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw .badURL("the URL's scheme is neither http nor https")
        }
        let rest = text[separator.upperBound...]
        let authorityEnd = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<authorityEnd]
        guard !authority.contains("@") else { throw .badURL("the URL holds a user name or password") }
        let (host, portText) = try Self.split(authority)
        self.scheme = scheme
        self.host = try Self.checkedHost(host, isBracketed: authority.first == "[")
        self.port = try Self.port(portText, scheme: scheme)
        let beforeFragment = rest[authorityEnd...].prefix { $0 != "#" }
        self.target = beforeFragment.first == "/" ? String(beforeFragment) : "/" + beforeFragment
    }

    private static func split(_ authority: Substring) throws(EgressError) -> (host: Substring, port: Substring?) {
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { throw .badURL("the URL's bracket is not closed") }
            let after = authority[authority.index(after: end)...]
            guard after.isEmpty || after.first == ":" else { throw .badURL("the URL's host can't be read") }
            return (authority[..<end].dropFirst(), after.isEmpty ? nil : after.dropFirst())
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw .badURL("the URL's host can't be read") }
        return (parts[0], parts.count == 2 ? parts[1] : nil)
    }

    private static func checkedHost(_ host: Substring, isBracketed: Bool) throws(EgressError) -> String {
        if let address = IPAddress(host) {
            guard case .v6 = address else {
                guard !isBracketed else { throw .badURL("the URL's brackets hold no IPv6 address") }
                return String(host)
            }
            guard isBracketed else { throw .badURL("an IPv6 address in a URL needs brackets") }
            return address.description
        }
        guard !isBracketed else { throw .badURL("the URL's brackets hold no IPv6 address") }
        let name = host.hasSuffix(".") ? host.dropLast() : host
        guard !name.isEmpty, name.utf8.count <= 253 else {
            throw .badURL("the URL has no host, or one that is too long")
        }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            let isName = label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            guard isName, (1...63).contains(label.utf8.count) else { throw .badURL("the URL's host is no DNS name") }
        }
        // `2130706433`, `127.1` and `0x7f.1` are addresses to some resolvers.
        if let last = labels.last?.lowercased(), last.hasPrefix("0x") || last.allSatisfy(\.isNumber) {
            throw .badURL("the URL's host is an address in an unusual form")
        }
        return name.lowercased()
    }

    private static func port(_ text: Substring?, scheme: String) throws(EgressError) -> Int {
        guard let text else { return scheme == "https" ? 443 : 80 }
        guard text.utf8.count <= 5, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(text),
            (1...65_535).contains(port)
        else { throw .badURL("the URL's port is no number from 1 to 65535") }
        return port
    }
}

extension EgressURL: CustomStringConvertible {
    /// The URL, its port left out when it is the scheme's own.
    public var description: String {
        let isDefault = port == (scheme == "https" ? 443 : 80)
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(scheme)://\(name)\(isDefault ? "" : ":\(port)")\(target)"
    }
}
