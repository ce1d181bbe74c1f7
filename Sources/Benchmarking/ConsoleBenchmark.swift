import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Asks for pages of the console, one after another, as somebody who has signed in.
public struct ConsoleBenchmark: Sendable {
    /// A page.
    public struct Page: Hashable, Sendable {
        /// What it is called in the report.
        public let name: String
        /// Its path and query.
        public let path: String

        /// Names a page.
        public init(_ name: String, _ path: String) {
            self.name = name
            self.path = path
        }
    }

    /// What was measured of a page.
    public struct Result: Sendable {
        /// The page.
        public let page: Page
        /// From the first request ever made for it to its whole answer, in milliseconds.
        public let firstMilliseconds: Double
        /// The same of those after it, once what it shows had been read.
        public let latency: LatencyRecorder
        /// Bytes of the page.
        public let bytes: Int
    }

    private let client: HTTPClient
    private let url: String

    /// Makes a benchmark of the service at an address.
    public init(url: String) {
        self.url = url
        self.client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: HTTPClient.Configuration(redirectConfiguration: .disallow)
        )
    }

    /// Closes what it asks with.
    public func close() async { try? await client.shutdown() }

    /// Signs in with an operator's token; the cookie of the session.
    public func signIn(_ token: String) async throws -> String {
        let form = try await client.execute(HTTPClientRequest(url: url + "/console/sign-in"), timeout: .seconds(30))
        let page = String(buffer: try await form.body.collect(upTo: 1 << 20))
        guard let hidden = page.firstMatch(of: /name="form" value="([^"]+)"/)?.1,
            let cookie = form.headers.first(name: "set-cookie")?.prefix(while: { $0 != ";" })
        else { throw BenchmarkError.setup("the console has no form to sign in with") }
        var request = HTTPClientRequest(url: url + "/console/sign-in")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "cookie", value: String(cookie))
        request.body = .bytes(ByteBuffer(string: "form=\(hidden)&token=\(token)"))
        let answer = try await client.execute(request, timeout: .seconds(30))
        let session = answer.headers["set-cookie"].first { $0.hasPrefix("runledger_console=") }
        guard let session else { throw BenchmarkError.setup("signing in was answered with \(answer.status)") }
        return String(session.prefix { $0 != ";" })
    }

    /// A page's text.
    public func text(of path: String, _ cookie: String) async throws -> String {
        var request = HTTPClientRequest(url: url + path)
        request.headers.add(name: "cookie", value: cookie)
        let answer = try await client.execute(request, timeout: .seconds(120))
        let body = try await answer.body.collect(upTo: 1 << 26)
        guard answer.status == .ok else { throw BenchmarkError.setup("\(path) was answered with \(answer.status)") }
        return String(buffer: body)
    }

    /// Measures a page: its first answer; then, once it no longer says that something is being read, so many more.
    public func measure(_ page: Page, requests: Int, _ cookie: String) async throws -> Result {
        let clock = ContinuousClock()
        var text = ""
        let first = try await clock.measure { text = try await self.text(of: page.path, cookie) }
        // 2 minutes: what reads all of a large ledger is done long before.
        for _ in 0..<240 where text.contains("data-again") {
            try await Task.sleep(for: .milliseconds(500))
            text = try await self.text(of: page.path, cookie)
        }
        guard !text.contains("data-again") else {
            throw BenchmarkError.setup("\(page.path) is not read in two minutes")
        }
        var latency = LatencyRecorder()
        for _ in 0..<requests {
            latency.record(try await clock.measure { text = try await self.text(of: page.path, cookie) })
        }
        return Result(
            page: page,
            firstMilliseconds: first.inSeconds * 1_000,
            latency: latency,
            bytes: text.utf8.count
        )
    }
}
