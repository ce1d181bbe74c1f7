import Foundation

/// The few things that tests do with libpq connection URIs.
public enum DatabaseURL {
    /// The same URL for another database of the same server.
    ///
    /// - Parameters:
    ///   - url: a libpq connection URI.
    ///   - database: a name that needs no escaping.
    public static func replacingDatabase(in url: String, with database: String) -> String {
        let (prefix, rest) = split(url)
        let query = rest.firstIndex(of: "?").map { String(rest[$0...]) } ?? ""
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        return "\(prefix)\(authority)/\(database)\(query)"
    }

    /// The first host of the URL that is not this machine; nil when all are.
    public static func remoteHost(in url: String) -> String? {
        let rest = split(url).rest
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let hosts = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        var names = hosts.split(separator: ",").map(withoutPort)
        if let query = rest.split(separator: "?", maxSplits: 1).dropFirst().first {
            for item in query.split(separator: "&") {
                let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
                if parts.count == 2, ["host", "hostaddr", "service"].contains(parts[0]) {
                    names += parts[1].split(separator: ",").map(String.init)
                }
            }
        }
        return names.map { $0.removingPercentEncoding ?? $0 }.first { name in
            !(name.isEmpty || name.hasPrefix("/") || ["localhost", "127.0.0.1", "::1", "[::1]"].contains(name))
        }
    }

    private static func withoutPort(_ host: Substring) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }

    private static func split(_ url: String) -> (prefix: String, rest: Substring) {
        guard let separator = url.range(of: "://") else { return ("postgresql://", "/"[...]) }
        return (String(url[..<separator.upperBound]), url[separator.upperBound...])
    }
}
