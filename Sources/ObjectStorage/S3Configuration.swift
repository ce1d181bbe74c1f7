/// Where a bucket is, who may write it, and how its objects are read.
public struct S3Configuration: Sendable {
    /// How a bucket is named in a URL.
    public enum URLStyle: String, Sendable, CaseIterable {
        /// `https://BUCKET.HOST/NAME`, as AWS wants it.
        case virtual
        /// `https://HOST/BUCKET/NAME`, as most other servers want it.
        case path
    }

    /// How objects are read.
    public enum Access: Hashable, Sendable {
        /// By everybody, at a base URL that the object's name is added to; nil for the bucket's own URL.
        case everybody(baseURL: String?)
        /// By whoever has a URL that is signed and lives that many seconds, 604,800 at most.
        case presigned(seconds: Int)
    }

    /// The bucket.
    public var bucket: String
    /// The region, part of every signature.
    public var region: String
    /// Scheme, host and perhaps a port, such as `https://s3.eu-central-1.amazonaws.com`.
    public var endpoint: String
    /// Who writes.
    public var accessKeyID: String
    /// The writer's secret.
    public var secretAccessKey: String
    /// How a bucket is named in a URL.
    public var urlStyle: URLStyle
    /// How objects are read.
    public var access: Access
    /// How many bytes are stored at once. An object that has more is stored in parts of this size, each of which can be sent
    /// again, so this much is held in memory for each copy: 5 MiB, the least that S3 takes, or more.
    public var partBytes = 5 << 20
    /// How often each request is tried.
    public var attempts = 6

    /// Checks and takes the settings.
    ///
    /// - Parameters:
    ///   - bucket: 3 to 63 lower-case letters, digits, dots and hyphens.
    ///   - region: for signatures; `us-east-1` for servers that have none.
    ///   - endpoint: scheme, host and perhaps a port; nil for AWS's own of that region.
    ///   - accessKeyID: who writes.
    ///   - secretAccessKey: the writer's secret.
    ///   - urlStyle: how the bucket is named in a URL.
    ///   - access: how objects are read.
    /// - Throws: an `S3ConfigurationError` that names the setting and what it must be.
    public init(
        bucket: String,
        region: String = "us-east-1",
        endpoint: String? = nil,
        accessKeyID: String,
        secretAccessKey: String,
        urlStyle: URLStyle = .virtual,
        access: Access = .everybody(baseURL: nil)
    ) throws(S3ConfigurationError) {
        let endpoint = endpoint ?? "https://s3.\(region).amazonaws.com"
        guard bucket.wholeMatch(of: /[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]/) != nil, !bucket.contains("..") else {
            throw S3ConfigurationError("the bucket's name must be 3 to 63 lower-case letters, digits, dots and hyphens")
        }
        guard region.wholeMatch(of: /[A-Za-z0-9\-]{1,64}/) != nil else {
            throw S3ConfigurationError("the region must be 1 to 64 letters, digits and hyphens")
        }
        guard endpoint.wholeMatch(of: /https?:\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.\-]+)(:[0-9]{1,5})?/) != nil else {
            throw S3ConfigurationError("the endpoint must be http(s)://HOST or http(s)://HOST:PORT, without a path")
        }
        guard !accessKeyID.isEmpty, !secretAccessKey.isEmpty else {
            throw S3ConfigurationError("a bucket needs an access key's id and secret")
        }
        switch access {
        case .presigned(let seconds) where !(1...604_800).contains(seconds):
            throw S3ConfigurationError("presigned URLs must live 1 to 604800 seconds")
        case .everybody(let base?) where base.wholeMatch(of: /https?:\/\/[^\s\/?#]+(\/[^\s?#]*)?/) == nil:
            throw S3ConfigurationError("the public URL must be an http(s) URL without query or fragment")
        default: break
        }
        self.bucket = bucket
        self.region = region
        self.endpoint = endpoint.lowercased()
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.urlStyle = urlStyle
        self.access = access
    }
}

/// A setting that can't be taken.
public struct S3ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which setting, and what it must be.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Where an object is, as requests name it.
struct S3Location {
    /// Scheme, host and port, without a slash at the end.
    let origin: String
    /// The value of the `Host` header.
    let host: String
    /// The path, not percent-encoded.
    let path: String

    /// An object of a bucket; nil for the bucket itself.
    init(_ name: ObjectName?, in configuration: S3Configuration) {
        let scheme = configuration.endpoint.hasPrefix("https://") ? "https" : "http"
        var authority = String(configuration.endpoint.dropFirst(scheme.count + 3))
        let ownPort = scheme == "https" ? ":443" : ":80"
        // HTTP clients leave the scheme's own port out of `Host`, and signatures hold the host.
        if authority.hasSuffix(ownPort) { authority = String(authority.dropLast(ownPort.count)) }
        switch configuration.urlStyle {
        case .virtual:
            self.host = "\(configuration.bucket).\(authority)"
            self.path = "/\(name?.description ?? "")"
        case .path:
            self.host = authority
            self.path = "/\(configuration.bucket)/\(name?.description ?? "")"
        }
        self.origin = "\(scheme)://\(host)"
    }
}
