import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import ProviderSimulator
import Registry
import Testing

@Suite("media")
struct MediaTests {
    private static func url(_ simulator: LiveSimulator, _ prompt: String) async throws -> String {
        let body: JSONValue = ["prompt": .string(prompt), "duration": "5"]
        let answer = try await simulator.ask(.post, "/fal/run/fal-ai/kling-video", body, key: "Key k").json
        return try #require(answer["video"]?["url"]?.stringValue, "\(answer)")
    }

    /// The length of a body that is read piece by piece, up to a limit.
    private static func length(_ url: String, limit: Int = .max) async throws -> Int {
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(120))
        var length = 0
        for try await piece in response.body {
            length += piece.readableBytes
            if length > limit { break }
        }
        return length
    }

    @Test("a video of 60 MB comes whole, with its length in front")
    func large() async throws {
        try await LiveSimulator.run { simulator async throws in
            let url = try await Self.url(simulator, "[[bytes:60000000]]")
            let head = try await simulator.ask(.head, url)
            #expect(head.headers.first(name: "content-length") == "60000000")
            #expect(head.headers.first(name: "content-type") == "video/mp4")
            #expect(try await Self.length(url) == 60_000_000)
        }
    }

    @Test("the script sets a size, and the bytes are the same each time and in parts")
    func parts() async throws {
        try await LiveSimulator.run(SimulatorScript(mediaBytes: 200_000)) { simulator async throws in
            let url = try await Self.url(simulator, "A fox")
            let whole = try await simulator.ask(.get, url)
            #expect(whole.body.readableBytes == 200_000)
            #expect(whole.body.getString(at: 4, length: 8) == "ftypisom")
            let part = try await simulator.ask(.get, url, headers: [("range", "bytes=65530-131079")])
            #expect(part.status == 206)
            #expect(part.headers.first(name: "content-range") == "bytes 65530-131079/200000")
            #expect(part.body == whole.body.getSlice(at: 65_530, length: 65_550))
            let rest = try await simulator.ask(.get, url, headers: [("range", "bytes=199999-")])
            #expect(rest.body.readableBytes == 1)
        }
    }

    @Test("media that can't be fetched: of another type, without end, cut, elsewhere, gone")
    func faults() async throws {
        let time = ManualClock()
        let script = SimulatorScript(mediaLifeMilliseconds: 1_000)
        try await LiveSimulator.run(script, clock: time.clock) { simulator async throws in
            let wrong = try await simulator.ask(.get, try await Self.url(simulator, "[[fault:mediaWrongType]]"))
            #expect(wrong.headers.first(name: "content-type") == "text/html")
            let endless = try await Self.url(simulator, "[[fault:mediaEndless]]")
            #expect(try await Self.length(endless, limit: 5_000_000) > 5_000_000)
            let cut = try await Self.url(simulator, "[[fault:mediaCut]] [[bytes:300000]]")
            await #expect(throws: (any Error).self) { _ = try await Self.length(cut) }
            // Only the first download is cut.
            #expect(try await Self.length(cut) == 300_000)
            let gone = try await Self.url(simulator, "[[fault:mediaGone]]")
            #expect(try await simulator.ask(.get, gone).status == 404)
            let expiring = try await Self.url(simulator, "A fox")
            #expect(try await simulator.ask(.get, expiring).status == 200)
            time.advance(milliseconds: 1_000)
            #expect(try await simulator.ask(.get, expiring).status == 404)
            #expect(try await simulator.ask(.get, "/files/none-1.png").status == 404)
        }
    }

    @Test("a redirect leads to an address of the private network")
    func redirect() async throws {
        try await LiveSimulator.run { simulator async throws in
            let url = try await Self.url(simulator, "[[fault:mediaRedirect]]")
            let client = HTTPClient(configuration: .init(redirectConfiguration: .disallow))
            let response = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(60))
            try await client.shutdown()
            #expect(response.status.code == 307)
            #expect(response.headers.first(name: "location") == "http://169.254.169.254/latest/meta-data/")
        }
    }
}
