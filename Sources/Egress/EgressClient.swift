public import AsyncHTTPClient
import Foundation
public import NIOCore
public import NIOHTTP1

/// A request to an address that somebody else has named.
public struct EgressRequest: Sendable {
    /// The URL, as it was given.
    public var url: String
    /// The method.
    public var method: HTTPMethod
    /// Headers beside `Host`.
    public var headers: HTTPHeaders
    /// The body, if any.
    public var body: ByteBuffer?
    /// How many redirects are followed, each checked like the first URL; only GET and HEAD follow any.
    public var maximumRedirects: Int

    /// Makes a request.
    public init(
        url: String,
        method: HTTPMethod = .GET,
        headers: HTTPHeaders = [:],
        body: ByteBuffer? = nil,
        maximumRedirects: Int = 0
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.maximumRedirects = maximumRedirects
    }
}

/// Sends requests to addresses that somebody else has named, and only to those that a policy allows.
///
/// A name is resolved once for each attempt; what comes back is checked, and the connection goes to an address that was
/// checked, never to the name: whatever DNS says a moment later changes nothing. TLS still proves the name. No connection
/// is used for two requests. Redirects are followed by hand, each under the same checks. Proxies are not used.
public struct EgressClient: Sendable {
    private let policy: EgressPolicy
    private let resolver: any AddressResolver
    private let configuration: HTTPClient.Configuration

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - policy: what may be reached.
    ///   - resolver: who is asked for addresses.
    ///   - idleTimeout: how long a peer may send nothing.
    public init(
        policy: EgressPolicy,
        resolver: any AddressResolver = SystemResolver(),
        idleTimeout: Duration = .seconds(30)
    ) {
        self.policy = policy
        self.resolver = resolver
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.timeout.connect = .seconds(5)
        configuration.timeout.read = TimeAmount(idleTimeout)
        configuration.timeout.write = TimeAmount(idleTimeout)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.maximumUsesPerConnection = 1
        self.configuration = configuration
    }

    /// Checks a URL as it would be before a request, without one: for URLs that are kept for later.
    ///
    /// - Throws: an `EgressError` when the policy refuses it, or its host stands for nothing.
    public func check(_ url: String, deadline: ContinuousClock.Instant) async throws(EgressError) {
        let (policy, resolver) = (policy, resolver)
        do {
            try await withDeadline(deadline) { _ = try await Self.checked(url, policy, resolver) }
        } catch {
            throw EgressError(any: error)
        }
    }

    /// Sends a request and hands the answer, whatever its status, to a reader.
    ///
    /// Another address of the same name is tried when no connection to the first can be made; a request that may have been
    /// sent is not sent again.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - deadline: when everything, the reading included, is given up.
    ///   - read: reads the answer; its body can be read once, and only here.
    /// - Returns: what the reader returns.
    /// - Throws: an `EgressError`, or what the reader throws.
    public func send<Value: Sendable>(
        _ request: EgressRequest,
        deadline: ContinuousClock.Instant,
        read: @escaping @Sendable (_ response: HTTPClientResponse) async throws -> Value
    ) async throws -> Value {
        do {
            return try await withDeadline(deadline) { try await follow(request, deadline, read) }
        } catch is DeadlinePassed {
            throw EgressError(.timedOut, "the deadline passed")
        }
    }

    private enum Step<Value: Sendable>: Sendable {
        case done(Value)
        case redirected(to: String)
    }

    private func follow<Value: Sendable>(
        _ request: EgressRequest,
        _ deadline: ContinuousClock.Instant,
        _ read: @escaping @Sendable (_ response: HTTPClientResponse) async throws -> Value
    ) async throws -> Value {
        var url = request.url
        let mayFollow = request.method == .GET || request.method == .HEAD
        for hop in 0...max(0, mayFollow ? request.maximumRedirects : 0) {
            let (checked, addresses) = try await Self.checked(url, policy, resolver)
            if hop > 0, url.lowercased().hasPrefix("http:"), request.url.lowercased().hasPrefix("https:") {
                throw EgressError(.redirectRefused, "a redirect from https to http is not followed")
            }
            let followsMore = mayFollow && request.maximumRedirects > 0
            switch try await exchange(request, checked, addresses, deadline, followsMore, read) {
            case .done(let value): return value
            case .redirected(let location): url = try Self.resolve(location, against: checked)
            }
        }
        throw EgressError(.redirectRefused, "more than \(request.maximumRedirects) redirects")
    }

    private func exchange<Value: Sendable>(
        _ request: EgressRequest,
        _ url: EgressURL,
        _ addresses: [IPAddress],
        _ deadline: ContinuousClock.Instant,
        _ followsRedirects: Bool,
        _ read: @escaping @Sendable (_ response: HTTPClientResponse) async throws -> Value
    ) async throws -> Step<Value> {
        var failure = EgressError(.notConnected, "\(url.host) has no address")
        // 3: enough for a host with a dead address, few enough to end in time.
        for address in addresses.prefix(3) {
            do {
                return try await exchange(request, url, address, deadline, followsRedirects, read)
            } catch let error as EgressError where error.code == .notConnected {
                failure = error
            }
        }
        throw failure
    }

    private func exchange<Value: Sendable>(
        _ request: EgressRequest,
        _ url: EgressURL,
        _ address: IPAddress,
        _ deadline: ContinuousClock.Instant,
        _ followsRedirects: Bool,
        _ read: @escaping @Sendable (_ response: HTTPClientResponse) async throws -> Value
    ) async throws -> Step<Value> {
        var pinned = configuration
        if url.address == nil { pinned.dnsOverride = [url.host: address.description] }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: pinned)
        let outcome: Result<Step<Value>, any Error>
        do {
            var prepared = HTTPClientRequest(url: url.description)
            prepared.method = request.method
            prepared.headers = request.headers
            prepared.body = request.body.map { .bytes($0) }
            let remaining = max(.zero, ContinuousClock.now.duration(to: deadline))
            let response = try await client.execute(prepared, timeout: TimeAmount(remaining))
            if followsRedirects, [301, 302, 303, 307, 308].contains(response.status.code) {
                guard let location = response.headers.first(name: "location") else {
                    throw EgressError(.redirectRefused, "a redirect says not where to")
                }
                outcome = .success(.redirected(to: location))
            } else {
                outcome = .success(.done(try await read(response)))
            }
        } catch {
            outcome = .failure(EgressError(known: error, host: url.host) ?? error)
        }
        // Also closes a connection whose answer was not read to its end.
        try? await client.shutdown()
        return try outcome.get()
    }

    private static func checked(
        _ text: String,
        _ policy: EgressPolicy,
        _ resolver: any AddressResolver
    ) async throws(EgressError) -> (EgressURL, [IPAddress]) {
        let url = try EgressURL(text)
        var addresses: [IPAddress] = []
        if let address = url.address {
            addresses = [address]
        } else {
            addresses = try await resolver.addresses(of: url.host)
        }
        try policy.check(url, addresses)
        return (url, addresses)
    }

    private static func resolve(_ location: String, against url: EgressURL) throws(EgressError) -> String {
        guard let base = URL(string: url.description), let target = URL(string: location, relativeTo: base) else {
            throw EgressError(.redirectRefused, "a redirect leads to something that is no URL")
        }
        return target.absoluteString
    }
}
