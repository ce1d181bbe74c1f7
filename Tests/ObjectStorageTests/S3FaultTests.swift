import NIOCore
import NIOHTTP1
import NetworkTestSupport
import Synchronization
import Testing

@testable import ObjectStorage

/// Against a server that fails by a script.
@Suite("A bucket that fails")
struct S3FaultTests {
    private static let slowDown = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>x</Message></Error>"
    private static let denied = "<Error><Code>AccessDenied</Code></Error>"

    /// Gives the answers one after another, the last for ever, and returns how a small object's write ended and how many
    /// requests came.
    private func write(
        _ answers: [String],
        attempts: Int = 6,
        seconds: Double = 60
    ) async throws -> (error: ObjectStorageError?, requests: Int) {
        let next = Mutex(0)
        let answer: @Sendable (String) async -> String? = { _ in
            next.withLock { number in
                number += 1
                return answers[min(number, answers.count) - 1]
            }
        }
        return try await LoopbackServer.with(answer: answer) { server in
            var configuration = try S3Configuration(
                bucket: "knouds-media",
                endpoint: "http://127.0.0.1:\(server.port)",
                accessKeyID: "key",
                secretAccessKey: "secret",
                urlStyle: .path
            )
            configuration.attempts = attempts
            var caught: ObjectStorageError?
            try await withHTTPClient { client in
                do {
                    try await S3Client(configuration, client: client, clock: now).write(
                        try #require(ObjectName("a.png")),
                        contentType: "image/png",
                        from: Chunks([1, 2, 3], of: 3),
                        deadline: .now + .milliseconds(Int(seconds * 1_000))
                    )
                } catch let error as ObjectStorageError {
                    caught = error
                }
            }
            return (caught, server.requests.count)
        }
    }

    @Test("503, 500 and a cut connection are tried again until it works")
    func passing() async throws {
        let end = try await write([
            .answer("503 Slow Down", body: Self.slowDown), "", .answer("500 Internal Server Error"), .answer("200 OK"),
        ])
        #expect(end.error == nil)
        #expect(end.requests == 4)
    }

    @Test("Attempts end, and so does the time")
    func exhausted() async throws {
        let byCount = try await write([.answer("503 Slow Down", body: Self.slowDown)], attempts: 3)
        #expect(byCount.error?.code == .unavailable)
        #expect(byCount.error?.reason.contains("SlowDown") == true)
        #expect(byCount.error?.isTransient == true)
        #expect(byCount.requests == 3)
        let byTime = try await write([.answer("503 Slow Down")], attempts: 1_000, seconds: 0.4)
        #expect(byTime.error?.code == .unavailable)
        #expect((1..<20).contains(byTime.requests))
    }

    @Test(
        "A refusal is not tried again",
        arguments: ["403 Forbidden", "404 Not Found", "400 Bad Request", "301 Moved"]
    )
    func refused(status: String) async throws {
        let end = try await write([.answer(status, body: Self.denied)])
        #expect(end.error?.code == .refused)
        #expect(end.requests == 1)
    }

    @Test("A completed upload may still say that it failed")
    func errorInSuccess() {
        let failed = S3Answer(status: 200, headers: [:], text: Self.slowDown)
        #expect(failed.verdict(accepts: []) == .passing("status 200, SlowDown"))
        let denied = S3Answer(status: 200, headers: [:], text: Self.denied)
        #expect(denied.verdict(accepts: []) == .refused("status 200, AccessDenied"))
        #expect(S3Answer(status: 200, headers: [:], text: "<Result/>").verdict(accepts: []) == .accepted)
        #expect(S3Answer(status: 404, headers: [:], text: "").verdict(accepts: [404]) == .accepted)
    }

    @Test("Backoff doubles to its ceiling, between half of it and all")
    func backoff() {
        let policy = RetryPolicy(attempts: 9)
        #expect(policy.delay(afterFailed: 1, fraction: 0) == .milliseconds(50))
        #expect(policy.delay(afterFailed: 1, fraction: 1) == .milliseconds(100))
        #expect(policy.delay(afterFailed: 3, fraction: 1) == .milliseconds(400))
        #expect(policy.delay(afterFailed: 8, fraction: 1) == .seconds(5))
        #expect(policy.delay(afterFailed: 9, fraction: 0) == nil)
    }

    @Test(
        "Settings that can't work are refused by name",
        arguments: [
            ("UPPER", nil, "key", "bucket"), ("ab", nil, "key", "bucket"), ("a..b", nil, "key", "bucket"),
            ("knouds-media", "s3.amazonaws.com", "key", "endpoint"),
            ("knouds-media", "https://host/path", "key", "endpoint"), ("knouds-media", nil, "", "access key"),
        ] as [(String, String?, String, String)]
    )
    func settings(bucket: String, endpoint: String?, key: String, word: String) {
        let error = #expect(throws: S3ConfigurationError.self) {
            try S3Configuration(bucket: bucket, endpoint: endpoint, accessKeyID: key, secretAccessKey: "s")
        }
        #expect(error?.description.contains(word) == true)
    }
}
