import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore
import NetworkTestSupport
import TestSupport
import Testing

@testable import ObjectStorage

/// Against an S3 server that checks signatures; what is stored is read back by AWS's own client.
@Suite("A bucket")
struct S3ServerTests {
    private static func withBucket(
        _ change: (inout S3Configuration, MotoServer) -> Void = { _, _ in },
        dnsOverride: [String: String] = [:],
        _ body: (S3Client, MotoServer) async throws -> Void
    ) async throws {
        try await MotoServer.with { server in
            var configuration = try S3Configuration(
                bucket: server.bucket,
                endpoint: server.endpoint,
                accessKeyID: server.accessKeyID,
                secretAccessKey: server.secretAccessKey,
                urlStyle: .path
            )
            change(&configuration, server)
            try await withHTTPClient(dnsOverride: dnsOverride) { client in
                try await body(S3Client(configuration, client: client, clock: now), server)
            }
        }
    }

    private static let describe = """
        try:
            answer = s3.get_object(Bucket=bucket, Key=args[0])
            body = answer["Body"].read()
            print(len(body), hashlib.sha256(body).hexdigest(), answer["ContentType"])
        except s3.exceptions.NoSuchKey:
            print("none")
        print("uploads", len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])))
        """

    @Test("Objects of every size around a part are stored byte for byte, and can be sized, replaced and removed")
    func sizes() async throws {
        try await Self.withBucket { client, server in
            let part = 5 << 20
            for size in [0, 1, part - 1, part, part + 1, 2 * part, 2 * part + 12_345] {
                let name = try #require(ObjectName("2026/11/24/size/\(size).mp4"))
                let bytes = patternBytes(size)
                let written = try await client.write(
                    name,
                    contentType: "video/mp4",
                    from: Chunks(bytes, of: 65_521),
                    deadline: .now + .seconds(120)
                )
                #expect(written == size)
                let hash = SigV4.hexadecimal(SHA256.hash(data: bytes))
                #expect(
                    try await server.boto3(Self.describe, [name.description]) == "\(size) \(hash) video/mp4\nuploads 0"
                )
                #expect(try await client.size(of: name, deadline: .now + .seconds(60)) == Int64(size))
            }
            let name = try #require(ObjectName("2026/11/24/size/1.mp4"))
            try await client.write(
                name,
                contentType: "image/png",
                from: Chunks(patternBytes(3), of: 3),
                deadline: .now + .seconds(60)
            )
            #expect(try await client.size(of: name, deadline: .now + .seconds(60)) == 3)
            try await client.delete(name, deadline: .now + .seconds(60))
            try await client.delete(name, deadline: .now + .seconds(60))
            #expect(try await client.size(of: name, deadline: .now + .seconds(60)) == nil)
        }
    }

    @Test("Every object under a name goes, however many, and no other")
    func deleteAll() async throws {
        try await Self.withBucket { client, _ in
            let deadline = ContinuousClock.now + .seconds(120)
            let names = (0..<103).compactMap { ObjectName("2026/run-1/tag/\($0).png") }
            let others = ["2026/run-10/tag/0.png", "2026/run-1.png"].compactMap { ObjectName($0) }
            for name in names + others {
                try await client.write(name, contentType: "image/png", from: Chunks([7], of: 1), deadline: deadline)
            }
            let folder = try #require(ObjectName("2026/run-1"))
            #expect(try await client.deleteAll(under: folder, deadline: deadline) == 103)
            #expect(try await client.deleteAll(under: folder, deadline: deadline) == 0)
            #expect(try await client.size(of: names[102], deadline: deadline) == nil)
            for other in others { #expect(try await client.size(of: other, deadline: deadline) == 1) }
        }
    }

    @Test("A source that breaks off leaves no object and no parts")
    func abort() async throws {
        struct Broken: Error {}
        try await Self.withBucket { client, server in
            let name = try #require(ObjectName("broken.mp4"))
            await #expect(throws: Broken.self) {
                try await client.write(
                    name,
                    contentType: "video/mp4",
                    from: Chunks(patternBytes(20 << 20), of: 1 << 20, then: Broken()),
                    deadline: .now + .seconds(60)
                )
            }
            #expect(try await server.boto3(Self.describe, [name.description]) == "none\nuploads 0")
        }
    }

    @Test("A wrong secret is refused at once, and nothing is stored")
    func wrongSecret() async throws {
        try await Self.withBucket({ configuration, _ in configuration.secretAccessKey += "x" }) { client, server in
            let name = try #require(ObjectName("a.png"))
            let error = await #expect(throws: ObjectStorageError.self) {
                try await client.write(
                    name,
                    contentType: "image/png",
                    from: Chunks(patternBytes(10), of: 10),
                    deadline: .now + .seconds(60)
                )
            }
            #expect(error?.code == .refused)
            #expect(error?.isTransient == false)
            #expect(error?.reason.contains("SignatureDoesNotMatch") == true, "\(String(describing: error))")
            #expect(try await server.boto3(Self.describe, [name.description]) == "none\nuploads 0")
        }
    }

    @Test("A bucket that is named in the host")
    func virtualStyle() async throws {
        let host = "knouds-media.s3.amazonaws.com"
        let change = { (configuration: inout S3Configuration, server: MotoServer) in
            configuration.urlStyle = .virtual
            configuration.endpoint = "http://s3.amazonaws.com:\(server.port)"
        }
        try await Self.withBucket(change, dnsOverride: [host: "127.0.0.1"]) { client, server in
            let name = try #require(ObjectName("virtual/b.webm"))
            try await client.write(
                name,
                contentType: "video/webm",
                from: Chunks(patternBytes(9 << 20), of: 1 << 20),
                deadline: .now + .seconds(60)
            )
            let described = try await server.boto3(Self.describe, [name.description])
            #expect(described.hasPrefix("\(9 << 20) "))
            #expect(client.url(of: name, unixSeconds: 0) == "http://\(host):\(server.port)/virtual/b.webm")
        }
    }

    @Test("A presigned URL is fetched by whoever has it")
    func presigned() async throws {
        let change = { (configuration: inout S3Configuration, _: MotoServer) in
            configuration.access = .presigned(seconds: 600)
        }
        try await Self.withBucket(change) { client, server in
            let name = try #require(ObjectName("signed/c.png"))
            let bytes = patternBytes(70_000)
            try await client.write(
                name,
                contentType: "image/png",
                from: Chunks(bytes, of: 999),
                deadline: .now + .seconds(60)
            )
            let url = client.url(of: name, unixSeconds: now())
            // The server knows presigned URLs only as long as it demands no `Authorization`.
            let fetched = try await server.boto3(
                """
                import urllib.request
                plain = {"Content-Type": "text/plain"}
                urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/moto-api/reset-auth", b"1000000", plain))
                answer = urllib.request.urlopen(args[0])
                print(hashlib.sha256(answer.read()).hexdigest(), answer.headers["Content-Type"])
                """,
                [url]
            )
            #expect(fetched == "\(SigV4.hexadecimal(SHA256.hash(data: bytes))) image/png")
        }
    }
}

/// Seconds since 1970.
@Sendable func now() -> Int64 { Int64(Date().timeIntervalSince1970) }

/// Bytes that do not repeat with a part's length.
func patternBytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 11) } }

/// Bytes in chunks of a size, and perhaps an error after them.
struct Chunks: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    let bytes: ByteBuffer
    let size: Int
    let failure: (any Error)?

    init(_ bytes: [UInt8], of size: Int, then failure: (any Error)? = nil) {
        self.bytes = ByteBuffer(bytes: bytes)
        self.size = size
        self.failure = failure
    }

    func makeAsyncIterator() -> Iterator { Iterator(rest: bytes, size: size, failure: failure) }

    struct Iterator: AsyncIteratorProtocol {
        var rest: ByteBuffer
        let size: Int
        let failure: (any Error)?

        mutating func next() async throws -> ByteBuffer? {
            if rest.readableBytes == 0 {
                if let failure { throw failure }
                return nil
            }
            return rest.readSlice(length: Swift.min(size, rest.readableBytes))
        }
    }
}

func withHTTPClient(
    dnsOverride: [String: String] = [:],
    _ body: (HTTPClient) async throws -> Void
) async throws {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.dnsOverride = dnsOverride
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
        try await body(client)
        try await client.shutdown()
    } catch {
        try? await client.shutdown()
        throw error
    }
}
