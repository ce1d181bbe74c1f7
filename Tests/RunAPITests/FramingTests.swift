import HTTPTypes
import HummingbirdTesting
import Ledger
import NIOCore
import RunAPI
import RunTestSupport
import Runs
import Testing

@Suite("paths, methods and forms")
struct FramingTests {
    private static func error(_ status: String, _ code: String, _ message: String, _ headers: [String] = []) -> String {
        let lines = (headers + ["Content-Type: application/json"]).sorted() + ["X-Request-Id: <request>"]
        return """
            \(status)
            \(lines.joined(separator: "\n"))

            {"success":false,"error":"\(message)","code":"\(code)","requestId":"<request>"}
            """
    }

    @Test(
        "there is nothing at other paths",
        arguments: ["/", "/api", "/api/models/echo", "/api/models//run", "/api/models/echo/run/x", "/run"]
    )
    func notFound(path: String) async throws {
        let expected = Self.error("404 Not Found", "NOT_FOUND", "There is nothing at this path")
        for method in [HTTPRequest.Method.get, .post] {
            #expect(try await APIBench().answer(APIRequest(path, method: method)) == expected)
        }
    }

    @Test(
        "another method is answered with the one that is allowed, key or no key",
        arguments: [HTTPRequest.Method.get, .put, .patch, .delete, .options, .trace]
    )
    func methodNotAllowed(method: HTTPRequest.Method) async throws {
        let expected = Self.error(
            "405 Method Not Allowed",
            "METHOD_NOT_ALLOWED",
            "This path takes POST only",
            ["Allow: POST"]
        )
        let bench = try APIBench()
        #expect(try await bench.answer(APIRequest(method: method)) == expected)
        #expect(try await bench.answer(APIRequest(method: method, key: .none)) == expected)
        #expect(bench.ledger.events.allSatisfy { $0.type != .requestReceived })
    }

    @Test("health is told to anyone, readiness as it is, and both take GET and HEAD only")
    func health() async throws {
        let bench = try APIBench()
        func expected(_ status: String, _ word: String) -> String {
            "\(status)\nContent-Type: application/json\nX-Request-Id: <request>\n\n{\"status\":\"\(word)\"}"
        }
        func get(_ path: String) async throws -> String {
            try await bench.answer(APIRequest(path, method: .get, key: .none, body: ""))
        }
        #expect(try await get("/healthz") == expected("200 OK", "ok"))
        #expect(try await get("/readyz") == expected("200 OK", "ready"))
        bench.isReady.isOn = false
        #expect(try await get("/healthz") == expected("200 OK", "ok"))
        #expect(try await get("/readyz") == expected("503 Service Unavailable", "not ready"))
        let refused = Self.error(
            "405 Method Not Allowed",
            "METHOD_NOT_ALLOWED",
            "This path takes GET, HEAD only",
            ["Allow: GET, HEAD"]
        )
        #expect(try await bench.answer(APIRequest("/healthz", key: .none)) == refused)
    }

    @Test("a client that asks for problem details gets the same members and five more")
    func problem() async throws {
        let bench = try APIBench(credits: "1")
        let expected = """
            402 Payment Required
            Content-Type: application/problem+json
            RateLimit: "default";r=999;t=55
            RateLimit-Policy: "default";q=1000;w=60
            X-RateLimit-Limit: 1000
            X-RateLimit-Remaining: 999
            X-RateLimit-Reset: 1767323100
            X-Request-Id: <request>

            {"success":false,"error":"The run may cost 1.5 credits, and 1 are available","code":"INSUFFICIENT_CREDITS",\
            "requestId":"<request>","required":1.5,"available":1,"type":"about:blank","title":"Payment Required",\
            "status":402,"detail":"The run may cost 1.5 credits, and 1 are available",\
            "instance":"urn:uuid:<request>"}
            """
        let request = APIRequest(headers: [("Accept", "application/json;q=0.5, Application/Problem+JSON")])
        #expect(try await bench.answer(request) == expected)
        // A success is no problem.
        let success = try await APIBench().answer(request)
        #expect(success.contains("Content-Type: application/json\n"))
    }

    @Test("a body of 1 MiB is taken, one byte more is refused before the ledger hears of it")
    func bodySize() async throws {
        let bench = try APIBench()
        let frame = #"{"inputs":{"prompt":""}}"#
        let largest = (1 << 20) - frame.utf8.count
        func request(_ count: Int) -> APIRequest {
            APIRequest(body: #"{"inputs":{"prompt":"\#(String(repeating: "x", count: count))"}}"#)
        }
        #expect(try await bench.answer(request(largest)).hasPrefix("200 OK"))
        let events = bench.ledger.events.count
        let expected = """
            413 Content Too Large
            Content-Type: application/json
            X-Request-Id: <request>

            {"success":false,"error":"The body is larger than 1,048,576 bytes","code":"BODY_TOO_LARGE",\
            "requestId":"<request>","limit":1048576}
            """
        #expect(try await bench.answer(request(largest + 1)) == expected)
        #expect(bench.ledger.events.count == events)
    }

    @Test("every answer has a request id of its own, which the ledger's events carry")
    func requestIDs() async throws {
        let bench = try APIBench()
        try await bench.app.test(.router) { client in
            var ids: Set<String> = []
            for uri in ["/api/models/echo/run", "/api/models/echo/run", "/api/models/B/run", "/nothing", "/healthz"] {
                let response = try await client.execute(
                    uri: uri,
                    method: .post,
                    headers: [.apiKey: bench.account.secret.text],
                    body: ByteBuffer(string: #"{"inputs":{"prompt":"hi"}}"#)
                )
                ids.insert(try #require(response.headers[.requestID]))
            }
            #expect(ids.count == 5)
            let recorded = Set(bench.ledger.events.compactMap { $0.requestID?.description })
            #expect(recorded.count == 3)
            #expect(recorded.isSubset(of: ids))
        }
    }

    @Test("both families of rate-limit headers agree, and can be recomputed from the log")
    func limitsAgree() async throws {
        let bench = try APIBench()
        try await bench.app.test(.router) { client in
            for _ in 0..<20 {
                let response = try await client.execute(
                    uri: "/api/models/echo/run",
                    method: .post,
                    headers: [.apiKey: bench.account.secret.text],
                    body: ByteBuffer(string: "{}")
                )
                func header(_ name: String) -> String { response.headers[HTTPField.Name(name)!] ?? "" }
                let count = try #require(
                    bench.ledger.events.last { $0.type == .rateLimitCounted }?.detail?["count"]?.integerValue
                )
                let remaining = 1_000 - count
                let now = bench.ledger.now.microseconds / 1_000_000
                #expect(header("X-RateLimit-Limit") == "1000")
                #expect(header("X-RateLimit-Remaining") == "\(remaining)")
                let reset = try #require(Int64(header("X-RateLimit-Reset")))
                #expect(reset % 60 == 0 && reset > now && reset <= now + 60)
                #expect(header("RateLimit-Policy") == #""default";q=1000;w=60"#)
                #expect(header("RateLimit") == "\"default\";r=\(remaining);t=\(reset - now)")
                bench.ledger.now = bench.ledger.now.adding(seconds: 7)
            }
        }
    }

    @Test(
        "a moment is shown in UTC with microseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_767_323_045_678_901, "2026-01-02T03:04:05.678901Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)]
    )
    func moments(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
    }
}
