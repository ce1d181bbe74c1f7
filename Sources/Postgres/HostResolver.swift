internal import Glibc

/// Resolves host names off the loop thread, because libpq would do it in a blocking call.
enum HostResolver {
    /// Whether each host is a socket folder or a numeric address, so that nothing needs to be resolved.
    static func isNumeric(hosts: String) -> Bool {
        hosts.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { host in
            isSocket(host) || address(of: String(host), isNumeric: true) != nil
        }
    }

    /// Libpq's `hostaddr` for its `host`, both lists with commas; nil when one of the names has no address.
    static func hostAddresses(hosts: String) -> String? {
        var result: [String] = []
        for host in hosts.split(separator: ",", omittingEmptySubsequences: false) {
            if isSocket(host) {
                result.append("")
            } else if let address = address(of: String(host), isNumeric: false) {
                result.append(address)
            } else {
                return nil
            }
        }
        return result.joined(separator: ",")
    }

    private static func isSocket(_ host: Substring) -> Bool {
        host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@")
    }

    /// The first address of a name, as text.
    private static func address(of host: String, isNumeric: Bool) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = isNumeric ? AI_NUMERICHOST : AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = getnameinfo(
            list.pointee.ai_addr,
            list.pointee.ai_addrlen,
            &text,
            socklen_t(text.count),
            nil,
            0,
            NI_NUMERICHOST
        )
        guard status == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
