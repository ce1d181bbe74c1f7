import AsyncHTTPClient
import Crypto
import Egress
import Foundation
import NetworkTestSupport
import ObjectStorage
import Registry
import TestSupport
import Testing

@testable import Media

@Suite("Many and large media")
struct BulkTests {
    /// Goal: memory stays flat however much is copied. Method: a process of its own copies 200 videos of 50 MB, all asked for
    /// at once, from a source to a sink that both only move bytes; the kernel's own account of that process's largest
    /// resident size is compared with the bound.
    @Test("200 videos of 50 MB are copied in less than 200 MB of memory")
    func memory() async throws {
        let (count, bytes) = (200, 50_000_000)
        let source = videoSource(bytes: bytes)
        let sink = ByteSink()
        defer {
            source.stop()
            sink.stop()
        }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let probe = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("MediaMemoryProbe")
            .path
        try await withTemporaryFolder { folder in
            let process = try ServiceProcess(
                [probe, "http://127.0.0.1:\(source.port)", "http://127.0.0.1:\(sink.port)", "\(count)"],
                input: Lifeline.input,
                logPath: "\(folder)/probe.log"
            )
            let line = try await process.waitForLine(containing: "copied", timeout: .seconds(600))
            let words = line.split(separator: " ")
            try #require(words.count == 4, "\(line)")
            #expect(words[1] == "\(count)", "\(line)")
            let peak = try #require(Int(words[3]))
            #expect(peak < 200_000, "\(peak) kB were resident at most")
            #expect(peak > 10_000, "the kernel's figure can't be right")
        }
        let counts = sink.counts
        #expect(counts.completed == count)
        // More where a busy machine has let a connection time out, and a copy was begun anew.
        #expect(counts.partBytes >= count * bytes)
    }

    @Test("A video in many parts goes to a bucket byte for byte")
    func bucket() async throws {
        let bytes = 20_000_001
        let source = videoSource(bytes: bytes)
        defer { source.stop() }
        try await MotoServer.with { server in
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            let configuration = try S3Configuration(
                bucket: server.bucket,
                endpoint: server.endpoint,
                accessKeyID: server.accessKeyID,
                secretAccessKey: server.secretAccessKey,
                urlStyle: .path
            )
            let copier = MediaCopier(
                store: S3Client(configuration, client: client, clock: { Int64(Date().timeIntervalSince1970) }),
                client: EgressClient(policy: .withLoopback),
                names: MediaNames(key: SymmetricKey(data: [1])),
                unixSeconds: { Int64(Date().timeIntervalSince1970) }
            )
            let result: JSONValue = ["videos": [.string("http://127.0.0.1:\(source.port)/")]]
            do {
                let kept = try await copier.keep(result, of: anyExecution, deadline: .now + .seconds(120))
                let url = try #require(kept["videos"]?.arrayValue?.first?.stringValue)
                let prefix = "\(server.endpoint)/\(server.bucket)/"
                try #require(url.hasPrefix(prefix), "\(url)")
                let read = try await server.boto3(
                    """
                    answer = s3.get_object(Bucket=bucket, Key=args[0])
                    body = answer["Body"].read()
                    print(len(body), body[4:12].decode(), set(body[16:]), answer["ContentType"])
                    """,
                    [String(url.dropFirst(prefix.count))]
                )
                #expect(read == "\(bytes) ftypisom {85} video/mp4")
            } catch {
                try? await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }
}
