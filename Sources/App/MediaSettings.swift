public import Configuration

/// Where media go, as the process is told from outside.
public struct MediaSettings: Sendable {
    /// The bucket; nil for a folder that the service serves itself. `knouds-media` when only an access key is given.
    public var bucket: String?
    /// The storage's scheme, host and port; nil for AWS's of the region.
    public var endpoint: String?
    /// The storage's region.
    public var region = "us-east-1"
    /// Who writes.
    public var accessKeyID = ""
    /// The writer's secret.
    public var secretAccessKey = ""
    /// `virtual` or `path`.
    public var urlStyle = "virtual"
    /// The base of objects' public URLs; nil for the bucket's own.
    public var publicURL: String?
    /// How long signed URLs live, in seconds; nil when objects are public.
    public var presignedSeconds: Int?
    /// The folder, when there is no bucket.
    public var folder = ".runledger/media"
    /// Whether media may be fetched from this machine's loopback addresses: for tests and the demo.
    public var allowsLoopback = false

    /// The defaults: a folder.
    public init() {}

    /// Reads `S3_BUCKET`, `S3_ENDPOINT`, `S3_REGION`, `S3_ACCESS_KEY_ID`, `S3_SECRET_ACCESS_KEY`, `S3_URL_STYLE`,
    /// `S3_PUBLIC_URL`, `S3_PRESIGNED_SECONDS`, `MEDIA_FOLDER` and `EGRESS_ALLOWS_LOOPBACK`, each after `RUNLEDGER_`.
    public init(reading own: ConfigReader) {
        self.bucket = own.string(forKey: "s3.bucket").flatMap { $0.isEmpty ? nil : $0 }
        self.endpoint = own.string(forKey: "s3.endpoint").flatMap { $0.isEmpty ? nil : $0 }
        self.region = own.string(forKey: "s3.region", default: region)
        self.accessKeyID = own.string(forKey: "s3.access.key.id", default: "")
        if bucket == nil, !accessKeyID.isEmpty { self.bucket = "knouds-media" }
        self.secretAccessKey = own.string(forKey: "s3.secret.access.key", isSecret: true, default: "")
        self.urlStyle = own.string(forKey: "s3.url.style", default: urlStyle)
        self.publicURL = own.string(forKey: "s3.public.url").flatMap { $0.isEmpty ? nil : $0 }
        self.presignedSeconds = own.int(forKey: "s3.presigned.seconds")
        self.folder = own.string(forKey: "media.folder", default: folder)
        self.allowsLoopback = own.bool(forKey: "egress.allows.loopback", default: false)
    }
}
