import AsyncHTTPClient
import Crypto
import Egress
import Foundation
public import Hummingbird
import Ledger
import LedgerStore
import Logging
import Media
import ObjectStorage
import RunAPI
public import Runs

/// Where media go: a bucket, or a folder that the service serves.
public struct MediaStorage: Sendable {
    /// Copies media before a run is settled.
    public let keeper: any MediaKeeper
    /// Removes a run's media, and says how many there were.
    let erase: @Sendable (ExecutionID) async throws -> Int
    private let route: LocalMediaRoute?
    private let client: HTTPClient?

    /// Opens what the settings name.
    ///
    /// - Parameters:
    ///   - port: the port that the service listens on; asked for each URL of the folder's objects.
    ///   - copied: called with the size of each medium once it is stored.
    /// - Throws: an `S3ConfigurationError` that names the setting, or an `ObjectStorageError` when the folder can't be made.
    public static func open(
        _ configuration: AppConfiguration,
        port: @escaping @Sendable () -> Int,
        copied: @escaping @Sendable (_ byteCount: Int64) -> Void = { _ in }
    ) throws -> MediaStorage {
        let settings = configuration.media
        let egress = EgressClient(policy: configuration.egressPolicy)
        guard let bucket = settings.bucket else {
            let storage = try LocalDirectoryStorage.open(
                folder: settings.folder,
                baseURL: configuration.ownURL(port: port()) + "/media"
            )
            let key = SymmetricKey(data: try storage.secret())
            let copier = copier(storage, egress, key, copied)
            return MediaStorage(
                keeper: copier,
                erase: { try await copier.erase($0) },
                route: LocalMediaRoute(storage),
                client: nil
            )
        }
        let s3 = try settings.s3(bucket: bucket)
        // Names that can't be guessed need a key that every process of the service has.
        let key = SymmetricKey(
            data: HMAC<SHA256>.authenticationCode(
                for: Data("media names".utf8),
                using: SymmetricKey(data: Data(settings.secretAccessKey.utf8))
            )
        )
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .objectStorage)
        let store = S3Client(s3, client: client, clock: unixSeconds)
        let copier = copier(store, egress, key, copied)
        return MediaStorage(keeper: copier, erase: { try await copier.erase($0) }, route: nil, client: client)
    }

    /// Adds the route that serves the folder's objects, if there is a folder.
    public func addRoute<Context: RequestContext>(to router: Router<Context>) { route?.add(to: router, at: "media") }

    /// Closes the connections to the bucket.
    public func close() async { try? await client?.shutdown() }

    private static func copier<Store: ObjectStore>(
        _ store: Store,
        _ client: EgressClient,
        _ key: SymmetricKey,
        _ copied: @escaping @Sendable (Int64) -> Void
    ) -> MediaCopier<Store> {
        MediaCopier(
            store: store,
            client: client,
            names: MediaNames(key: key),
            unixSeconds: unixSeconds,
            copied: copied
        )
    }
}

/// A setting that can't be taken.
struct SettingError: Error, CustomStringConvertible {
    let description: String
}

@Sendable private func unixSeconds() -> Int64 { SystemClock.now().microseconds / 1_000_000 }

extension MediaSettings {
    /// A bucket of the storage.
    func s3(bucket: String) throws -> S3Configuration {
        guard let style = S3Configuration.URLStyle(rawValue: urlStyle) else {
            throw SettingError(description: "RUNLEDGER_S3_URL_STYLE must be virtual or path")
        }
        return try S3Configuration(
            bucket: bucket,
            region: region,
            endpoint: endpoint,
            accessKeyID: accessKeyID,
            secretAccessKey: secretAccessKey,
            urlStyle: style,
            access: presignedSeconds.map { .presigned(seconds: $0) } ?? .everybody(baseURL: publicURL)
        )
    }
}

extension AppConfiguration {
    /// The token that lets operators in.
    func checkedAdminToken() throws -> AdminToken? {
        guard let adminToken else { return nil }
        guard let token = AdminToken(adminToken) else {
            throw SettingError(description: "RUNLEDGER_ADMIN_TOKEN must have 32 characters or more")
        }
        return token
    }

    /// What wraps the keys of personal data.
    func checkedMasterKeys(_ logger: Logger) throws -> MasterKeys {
        let keys = try MasterKeys(current: dataKey, previous: previousDataKey)
        if keys.isEmpty {
            logger.warning(
                "the keys of personal data are kept unwrapped: whoever has a copy of the database can read it",
                metadata: ["setting": "\(MasterKeys.setting)"]
            )
        }
        return keys
    }

    /// The secret that Stripe signs with.
    func checkedStripeSecret() throws -> String? {
        guard let stripeWebhookSecret else { return nil }
        guard stripeWebhookSecret.utf8.count >= 16 else {
            throw SettingError(description: "RUNLEDGER_STRIPE_WEBHOOK_SECRET must have 16 characters or more")
        }
        return stripeWebhookSecret
    }

    /// Which addresses that others name may be reached: the public internet, and the simulator where one stands in for the
    /// providers.
    var egressPolicy: EgressPolicy {
        var policy = EgressPolicy()
        policy.allowsLoopback = media.allowsLoopback
        if let simulatorURL, let url = try? EgressURL(simulatorURL) {
            policy.trustedOrigins = ["\(url.host):\(url.port)"]
        }
        return policy
    }

    /// Which addresses workflows may reach: not the simulator, where one stands in for the providers.
    var workflowPolicy: EgressPolicy {
        var policy = egressPolicy
        policy.trustedOrigins = []
        return policy
    }

    /// Where the service is reached: without a public URL, at its own address.
    func ownURL(port: Int) -> String {
        guard let publicURL else { return "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
        return publicURL.hasSuffix("/") ? String(publicURL.dropLast()) : publicURL
    }
}

extension HTTPClient.Configuration {
    /// No redirects, which would carry a signature elsewhere, and as many connections as there are copies.
    static var objectStorage: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        configuration.timeout.read = .seconds(60)
        configuration.connectionPool.idleTimeout = .seconds(20)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 16
        return configuration
    }
}
