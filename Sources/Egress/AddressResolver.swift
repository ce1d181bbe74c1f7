import Glibc
import NIOPosix

/// Whoever knows what addresses a name stands for.
public protocol AddressResolver: Sendable {
    /// Every address of a name, the preferred first; empty when it has none.
    ///
    /// - Throws: an `EgressError` with code `unresolvable` when nobody can say now.
    func addresses(of host: String) async throws(EgressError) -> [IPAddress]
}

/// The operating system's resolver, asked on threads of its own, since it blocks them.
public struct SystemResolver: AddressResolver {
    // 8: a name that takes its time holds up seven others at most, and no file is read on these threads.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 8)
        pool.start()
        return pool
    }()

    /// Makes a resolver.
    public init() {}

    /// Every address of a name, in the system's order (RFC 6724).
    public func addresses(of host: String) async throws(EgressError) -> [IPAddress] {
        do {
            return try await Self.threads.runIfActive { try Self.ask(host) }
        } catch {
            throw error as? EgressError ?? EgressError(.unresolvable, "\(host) was not looked up: \(error)")
        }
    }

    private static func ask(_ host: String) throws(EgressError) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard result == 0 else {
            throw EgressError(.unresolvable, "\(host): \(String(cString: gai_strerror(result)))")
        }
        var addresses: [IPAddress] = []
        var next = list
        while let entry = next {
            if let address = address(entry.pointee), !addresses.contains(address) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses
    }

    private static func address(_ entry: addrinfo) -> IPAddress? {
        guard let pointer = entry.ai_addr else { return nil }
        switch entry.ai_family {
        case AF_INET:
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                .v4(UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { IPAddress($0.pointee.sin6_addr) }
        default: return nil
        }
    }
}
