public import AsyncHTTPClient
public import Ledger
internal import NIOCore
internal import NIOHTTP1
public import Registry
public import Runs
internal import Synchronization

/// Checks that callbacks come from whom they say, where the vendor signs them; fetches the keys that are needed.
public final class ProviderCallbacks: Sendable {
    private struct KeySet {
        let keys: [[UInt8]]
        let fetchedAt: Int64
    }

    /// The latest request for keys, under way or over; callbacks that come meanwhile wait for it.
    private struct Attempt {
        let startedAt: Int64
        let keys: Task<[[UInt8]]?, Never>
    }

    /// How long fetched keys may be used, in seconds.
    public static let keyLifetimeSeconds: Int64 = 86_400
    /// Keys are not fetched more often than this, in seconds, whoever sends what.
    public static let keyPauseSeconds: Int64 = 60

    private static let maximumKeySetBytes = 65_536

    private let client: HTTPClient
    private let sets = Mutex<[String: KeySet]>([:])
    private let attempts = Mutex<[String: Attempt]>([:])
    private let clock: @Sendable () -> Timestamp

    /// Makes a checker.
    ///
    /// - Parameters:
    ///   - client: the client, made with `HTTPClient.Configuration.providers()`.
    ///   - clock: the wall clock, which signed times are compared with.
    public init(client: HTTPClient, clock: @escaping @Sendable () -> Timestamp) {
        self.client = client
        self.clock = clock
    }

    /// Whether a callback is genuine, as far as the vendor lets one know.
    ///
    /// - Parameters:
    ///   - headers: of the callback, by name in lower case.
    ///   - body: as received, byte for byte.
    ///   - provider: who is meant to have sent it.
    public func verify(headers: [String: String], body: [UInt8], provider: ProviderBinding) async -> CallbackProof {
        let (rule, now) = (provider.callback, clock().microseconds / 1_000_000)
        switch rule.verifier {
        case .none: return .unverified
        case .standardWebhooks:
            // The vendor signs only for those who have made a secret.
            guard !rule.secrets.isEmpty else { return .unverified }
            let isGenuine = CallbackVerifier.isGenuineStandardWebhook(
                headers: headers,
                body: body,
                keys: rule.secrets,
                unixSeconds: now
            )
            return isGenuine ? .genuine : .forged
        case .falEd25519:
            guard let url = rule.keysURL else { return .forged }
            let isGenuine = { (keys: [[UInt8]]) in
                CallbackVerifier.isGenuineFal(headers: headers, body: body, publicKeys: keys, unixSeconds: now)
            }
            let known = sets.withLock { $0[url] }
            if let known, now - known.fetchedAt < Self.keyLifetimeSeconds, isGenuine(known.keys) { return .genuine }
            // Unknown yet, too old, or perhaps replaced since.
            guard let fetched = await fetch(url, now: now) else { return .forged }
            return isGenuine(fetched) ? .genuine : .forged
        }
    }

    private func fetch(_ url: String, now: Int64) async -> [[UInt8]]? {
        let attempt = attempts.withLock { attempts in
            if let last = attempts[url], now - last.startedAt < Self.keyPauseSeconds { return last }
            let attempt = Attempt(startedAt: now, keys: Task { await load(url, now: now) })
            attempts[url] = attempt
            return attempt
        }
        return await attempt.keys.value
    }

    private func load(_ url: String, now: Int64) async -> [[UInt8]]? {
        guard let response = try? await client.execute(HTTPClientRequest(url: url), timeout: .seconds(5)),
            response.status == .ok, let body = try? await response.body.collect(upTo: Self.maximumKeySetBytes)
        else { return nil }
        let keys = CallbackVerifier.ed25519Keys(inKeySet: Array(body.readableBytesView))
        guard !keys.isEmpty else { return nil }
        sets.withLock { $0[url] = KeySet(keys: keys, fetchedAt: now) }
        return keys
    }
}
