import Crypto
import Egress
import Foundation
import Ledger
import NetworkTestSupport
import ObjectStorage
import Registry
import Runs
import Synchronization
import TestSupport
import Testing

@testable import Media

let anyExecution = ExecutionID(Identifier128(unixMilliseconds: 1_795_528_800_000, journal: JournalID(3), random: 42))

/// Media that are fetched over HTTP from loopback and stored in a folder.
@Suite("Copies of media")
struct CopierTests {
    private static let png = "\u{89}PNG\r\n\u{1A}\n"

    /// A body that begins like an MP4 file.
    private static func video(_ count: Int) -> String {
        "\0\0\0\u{18}ftypisom\0\0\0\0" + String(repeating: "v", count: count - 16)
    }

    private func keep(
        _ result: JSONValue,
        folder: String,
        limits: MediaLimits = MediaLimits(),
        policy: EgressPolicy = .withLoopback,
        seconds: Double = 30
    ) async throws -> JSONValue {
        let storage = try LocalDirectoryStorage.open(folder: folder, baseURL: "http://media")
        let copier = MediaCopier(
            store: storage,
            client: EgressClient(policy: policy),
            names: MediaNames(key: SymmetricKey(data: [1])),
            limits: limits,
            unixSeconds: { 1_800_000_000 }
        )
        return try await copier.keep(result, of: anyExecution, deadline: .now + .milliseconds(Int(seconds * 1_000)))
    }

    private func files(_ folder: String) -> [String] {
        (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []).filter { $0.contains(".") }
            .filter { $0 != ".partial" }
    }

    private func stored(_ url: JSONValue?, _ folder: String) throws -> String {
        let text = try #require(url?.stringValue)
        try #require(text.hasPrefix("http://media/2026/11/24/\(anyExecution)/"), "\(text)")
        let data = try #require(FileManager.default.contents(atPath: folder + text.dropFirst("http://media".count)))
        return String(decoding: data, as: UTF8.self)
    }

    @Test("Media are replaced in order, text and everything else stays, and a second copy writes the same objects")
    func result() async throws {
        let answer: @Sendable (String) -> String? = { head in
            let path = head.split(separator: " ")[1]
            if path == "/moved" { return .answer("302 Found", headers: ["Location: /v2"]) }
            return .answer("200 OK", headers: ["Content-Type: video/mp4"], body: Self.video(1_000) + path)
        }
        try await LoopbackServer.with(answer: answer) { server in
            try await withTemporaryFolder { folder in
                let base = "http://127.0.0.1:\(server.port)"
                let input: JSONValue = [
                    "videos": [.string("\(base)/v1"), .string("\(base)/moved")],
                    "images": ["data:image/gif;base64,R0lGODlhAQABAAAAACw="], "text": ["as it is"], "seed": 7,
                ]
                let output = try await keep(input, folder: folder)
                #expect(output["text"] == ["as it is"])
                #expect(output["seed"] == 7)
                let videos = try #require(output["videos"]?.arrayValue)
                #expect(
                    try videos.map { try stored($0, folder) } == [Self.video(1_000) + "/v1", Self.video(1_000) + "/v2"]
                )
                #expect(videos.last?.stringValue?.hasSuffix("/2.mp4") == true)
                #expect(try stored(output["images"]?.arrayValue?.first, folder).hasPrefix("GIF89a"))
                #expect(try await keep(input, folder: folder) == output)
                #expect(files(folder).count == 3)
            }
        }
    }

    @Test("A result of text alone is returned as it is, without a request")
    func text() async throws {
        try await withTemporaryFolder { folder in
            let kept = try await keep(["text": ["a", "b"]], folder: folder)
            #expect(kept == ["text": ["a", "b"]])
        }
    }

    @Test(
        "What is refused for good, changes nothing and is asked for once",
        arguments: [
            ("wrong header", ["Content-Type: text/html"], "200 OK", "\u{1A}", "text/html"),
            ("wrong bytes", ["Content-Type: video/mp4"], "200 OK", "<html>", "no format"),
            ("compressed", ["Content-Type: video/mp4", "Content-Encoding: gzip"], "200 OK", "x", "compressed"),
            ("empty", ["Content-Type: video/mp4"], "200 OK", "", "no format"),
            ("gone", [], "410 Gone", "", "410"), ("forbidden", [], "403 Forbidden", "", "403"),
            ("to a private address", ["Location: http://10.0.0.1/v.mp4"], "302 Found", "", "refused"),
            (
                "to a metadata service", ["Location: http://169.254.169.254/latest/meta-data"], "301 Moved", "",
                "refused"
            ),
        ] as [(String, [String], String, String, String)]
    )
    func refused(what: String, headers: [String], status: String, body: String, word: String) async throws {
        try await LoopbackServer.with(answer: { _ in .answer(status, headers: headers, body: body) }) { server in
            try await withTemporaryFolder { folder in
                let error = await #expect(throws: MediaFailure.self) {
                    try await keep(["videos": [.string("http://127.0.0.1:\(server.port)/")]], folder: folder)
                }
                #expect(error?.isTransient == false, "\(what)")
                #expect(error?.reason.contains(word) == true, "\(what): \(error?.reason ?? "")")
                #expect(server.requests.count == 1)
                #expect(files(folder) == [])
            }
        }
    }

    @Test(
        "Addresses and values that are no medium are refused without a request",
        arguments: [
            "http://127.0.0.1:1/x", "http://localhost/", "http://10.0.0.1/x.mp4", "file:///etc/passwd", "ftp://x/y", "",
            "data:video/mp4;base64,####", "data:text/html;base64,PGI+", "data:video/mp4;base64,iVBORw0KGgo=",
        ]
    )
    func addresses(url: String) async throws {
        try await withTemporaryFolder { folder in
            let error = await #expect(throws: MediaFailure.self) {
                try await keep(["videos": [.string(url)]], folder: folder, policy: EgressPolicy())
            }
            #expect(error?.isTransient == false, "\(error?.reason ?? "")")
        }
    }

    @Test("A member that is no array of strings is refused by name")
    func shapes() async throws {
        try await withTemporaryFolder { folder in
            for result: JSONValue in [
                ["videos": "http://x/"], ["images": [1]], ["audios": ["http://x/", nil]], ["videos"],
            ] {
                let error = await #expect(throws: MediaFailure.self) { try await keep(result, folder: folder) }
                #expect(error?.isTransient == false)
            }
            let many = JSONValue.array([JSONValue](repeating: "http://x/", count: 65))
            let error = await #expect(throws: MediaFailure.self) { try await keep(["images": many], folder: folder) }
            #expect(error?.reason.contains("64") == true)
        }
    }

    @Test("A medium above the limit is refused, whether its length is announced or not, and leaves nothing")
    func oversize() async throws {
        var limits = MediaLimits()
        limits.videoBytes = 5_000
        let chunked = { (count: Int) -> String in
            let body = Self.video(count)
            return
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(String(count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        }
        for (answer, isTaken) in [
            (String.answer("200 OK", body: Self.video(5_000)), true),
            (.answer("200 OK", body: Self.video(5_001)), false),
            (chunked(5_000), true), (chunked(5_001), false),
        ] {
            try await LoopbackServer.with(answer: { _ in answer }) { server in
                try await withTemporaryFolder { folder in
                    let input: JSONValue = ["videos": [.string("http://127.0.0.1:\(server.port)/")]]
                    if isTaken {
                        _ = try await keep(input, folder: folder, limits: limits)
                        #expect(files(folder).count == 1)
                    } else {
                        let error = await #expect(throws: MediaFailure.self) {
                            try await keep(input, folder: folder, limits: limits)
                        }
                        #expect(error?.isTransient == false)
                        #expect(error?.reason.contains("5000") == true)
                        #expect(files(folder) == [])
                    }
                }
            }
        }
        limits.videoBytes = 10
        try await withTemporaryFolder { folder in
            let inline = JSONValue.string("data:video/mp4;base64," + Data(Self.video(5_000).utf8).base64EncodedString())
            let error = await #expect(throws: MediaFailure.self) {
                try await keep(["videos": [inline]], folder: folder, limits: limits)
            }
            #expect(error?.reason.contains("more than 10 bytes") == true)
        }
    }

    @Test("A source that fails for a passing reason is asked again until it answers")
    func passing() async throws {
        let whole = String.answer("200 OK", headers: ["Content-Type: video/mp4"], body: Self.video(4_000))
        let answers = [
            .answer("503 Service Unavailable"), .answer("404 Not Found"), String(whole.dropLast(1_000)), "", whole,
        ]
        let count = Mutex(0)
        let answer: @Sendable (String) -> String? = { _ in
            count.withLock { count in
                count += 1
                return answers[min(count, answers.count) - 1]
            }
        }
        try await LoopbackServer.with(answer: answer) { server in
            try await withTemporaryFolder { folder in
                let output = try await keep(["videos": [.string("http://127.0.0.1:\(server.port)/")]], folder: folder)
                #expect(try stored(output["videos"]?.arrayValue?.first, folder) == Self.video(4_000))
                #expect(server.requests.count == 5)
                #expect(files(folder).count == 1)
            }
        }
    }

    @Test("A source that stays away is given up, as passing, by attempts or by the deadline")
    func givingUp() async throws {
        var limits = MediaLimits()
        limits.attempts = 2
        try await LoopbackServer.with(answer: { _ in .answer("500 Oops") }) { server in
            try await withTemporaryFolder { folder in
                let input: JSONValue = ["videos": [.string("http://127.0.0.1:\(server.port)/")]]
                let error = await #expect(throws: MediaFailure.self) {
                    try await keep(input, folder: folder, limits: limits)
                }
                #expect(error?.isTransient == true)
                #expect(server.requests.count == 2)
            }
        }
        try await LoopbackServer.with(answer: { _ in nil }) { silent in
            try await withTemporaryFolder { folder in
                let error = await #expect(throws: MediaFailure.self) {
                    let input: JSONValue = ["videos": [.string("http://127.0.0.1:\(silent.port)/")]]
                    _ = try await keep(input, folder: folder, seconds: 0.5)
                }
                #expect(error?.isTransient == true)
            }
        }
    }

    @Test("No more copies run at a time than there are places")
    func concurrency() async throws {
        var limits = MediaLimits()
        limits.concurrentCopies = 3
        let answer: @Sendable (String) async -> String? = { _ in
            try? await Task.sleep(for: .milliseconds(60))
            return .answer("200 OK", headers: ["Content-Type: image/gif"], body: "GIF89a......")
        }
        try await LoopbackServer.with(answer: answer) { server in
            try await withTemporaryFolder { folder in
                let urls = (0..<12).map { JSONValue.string("http://127.0.0.1:\(server.port)/\($0)") }
                _ = try await keep(["images": .array(urls)], folder: folder, limits: limits)
                #expect(server.requests.count == 12)
                #expect((2...3).contains(server.mostConnections), "\(server.mostConnections)")
                #expect(files(folder).count == 12)
            }
        }
    }
}
