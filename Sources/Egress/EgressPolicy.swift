/// Which addresses on the network may be spoken to when somebody else has named them.
public struct EgressPolicy: Hashable, Sendable {
    /// The schemes that are taken.
    public var schemes: Set<String> = ["http", "https"]
    /// The ports that are taken.
    public var ports: Set<Int> = [80, 443]
    /// Whether this machine's loopback addresses may be reached, at any port: for tests and the demo, never in production.
    public var allowsLoopback = false
    /// `HOST:PORT` that may be reached whatever their addresses, because the operator has named them: a provider's double in a
    /// private network. The names themselves are trusted, so their DNS has to be, too.
    public var trustedOrigins: Set<String> = []

    /// What a service on the internet needs: http and https at their own ports, public addresses only.
    public init() {}

    /// A policy for tests and the demo, whose peers listen on loopback.
    public static let withLoopback = {
        var policy = EgressPolicy()
        policy.allowsLoopback = true
        return policy
    }()

    /// The addresses of a URL's host that may be connected to.
    ///
    /// A name is refused when any of its addresses is, so that nothing hangs on which of them is picked.
    ///
    /// - Parameters:
    ///   - url: the URL.
    ///   - addresses: everything that its host stands for.
    /// - Throws: an `EgressError` when the policy takes no such scheme, port or address.
    public func check(_ url: EgressURL, _ addresses: [IPAddress]) throws(EgressError) {
        guard schemes.contains(url.scheme) else {
            let allowed = schemes.sorted().joined(separator: " or ")
            throw EgressError(.schemeRefused, "the scheme \(url.scheme) is refused; \(allowed) is taken")
        }
        guard !trustedOrigins.contains("\(url.host):\(url.port)") else { return }
        guard !addresses.isEmpty else { throw EgressError(.unresolvable, "\(url.host) stands for no address") }
        for address in addresses {
            let use = address.addressClass
            guard use == .global || (use == .loopback && allowsLoopback) else {
                throw EgressError(
                    .addressRefused,
                    "\(url.host) stands for an address that is refused (\(use.rawValue))"
                )
            }
        }
        let areLoopback = addresses.allSatisfy { $0.addressClass == .loopback }
        guard areLoopback || ports.contains(url.port) else {
            let allowed = ports.sorted().map(String.init).joined(separator: ", ")
            throw EgressError(.portRefused, "the port \(url.port) is refused; \(allowed) are taken")
        }
    }
}
