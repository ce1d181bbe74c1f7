public import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
public import Registry
internal import Synchronization

/// Checks that callbacks come from whom they say, where the vendor signs them; fetches the keys that are needed.
public final class ProviderCallbacks: Sendable {
    private struct KeySet {
        let keys: [[UInt8]]
        let fetchedAt: Int64
    }

    /// How long fetched keys may be used, in seconds.
    public static let keyLifetimeSeconds: Int64 = 86_400
    /// Keys are not fetched more often than this, in seconds, whoever sends what.
    public static let keyPauseSeconds: Int64 = 60

    private static let maximumKeySetBytes = 65_536

    private let client: HTTPClient
    private let sets = Mutex<[String: KeySet]>([:])
    private let attempts = Mutex<[String: Int64]>([:])

    /// Makes a checker.
    ///
    /// - Parameter client: the client, made with `HTTPClient.Configuration.providers()`.
    public init(client: HTTPClient) { self.client = client }

    /// Whether a callback is genuine, as far as the vendor lets one know: true for a vendor that signs nothing, whose
    /// only proof is that it knew the URL.
    ///
    /// - Parameters:
    ///   - headers: of the callback, by name in lower case.
    ///   - body: as received, byte for byte.
    ///   - provider: who is meant to have sent it.
    ///   - now: in seconds since 1970.
    public func verify(
        headers: [String: String],
        body: [UInt8],
        provider: ProviderBinding,
        now: Int64
    ) async -> Bool {
        let rule = provider.callback
        switch rule.verifier {
        case .none: return true
        case .standardWebhooks:
            // The vendor signs only for those who have made a secret.
            guard !rule.secrets.isEmpty else { return true }
            return CallbackVerifier.isGenuineStandardWebhook(
                headers: headers,
                body: body,
                keys: rule.secrets,
                unixSeconds: now
            )
        case .falEd25519:
            guard let url = rule.keysURL else { return false }
            let isGenuine = { (keys: [[UInt8]]) in
                CallbackVerifier.isGenuineFal(headers: headers, body: body, publicKeys: keys, unixSeconds: now)
            }
            let known = sets.withLock { $0[url] }
            if let known, now - known.fetchedAt < Self.keyLifetimeSeconds, isGenuine(known.keys) { return true }
            // Unknown yet, too old, or perhaps replaced since.
            guard let fetched = await fetch(url, now: now) else { return false }
            return isGenuine(fetched)
        }
    }

    private func fetch(_ url: String, now: Int64) async -> [[UInt8]]? {
        let mayFetch = attempts.withLock { attempts in
            if let last = attempts[url], now - last < Self.keyPauseSeconds { return false }
            attempts[url] = now
            return true
        }
        guard mayFetch else { return nil }
        guard let response = try? await client.execute(HTTPClientRequest(url: url), timeout: .seconds(5)),
            response.status == .ok, let body = try? await response.body.collect(upTo: Self.maximumKeySetBytes)
        else { return nil }
        let keys = CallbackVerifier.ed25519Keys(inKeySet: Array(body.readableBytesView))
        guard !keys.isEmpty else { return nil }
        sets.withLock { $0[url] = KeySet(keys: keys, fetchedAt: now) }
        return keys
    }
}
