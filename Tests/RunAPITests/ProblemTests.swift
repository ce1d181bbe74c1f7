import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Ledger
import Registry
import RunTestSupport
import Runs
import Testing

/// Errors in the form of RFC 9457, for clients that ask for it.
@Suite("problem+json")
struct ProblemTests {
    private static let problem = "application/problem+json"

    static let requests: [(String, APIRequest)] = [
        ("401 UNAUTHORIZED", APIRequest(key: .none)),
        ("400 INVALID_SLUG", APIRequest("/api/models/A/run")),
        ("400 INVALID_BODY", APIRequest(body: "x")),
        ("400 INVALID_INPUTS", APIRequest(body: "{}")),
        ("404 MODEL_NOT_FOUND", APIRequest("/api/models/none/run")),
        ("400 ASYNC_NOT_SUPPORTED", APIRequest("/api/models/echo/run?async=true")),
        ("404 NOT_FOUND", APIRequest("/nothing", method: .get)),
        ("405 METHOD_NOT_ALLOWED", APIRequest(method: .put)),
        (
            "413 BODY_TOO_LARGE",
            APIRequest(body: #"{"inputs":{"prompt":""# + String(repeating: "a", count: 1 << 20) + #""}}"#)
        ),
        ("400 INVALID_IDEMPOTENCY_KEY", APIRequest(headers: [("Idempotency-Key", "two words")])),
    ]

    @Test("every error of a request has the members of the RFC beside its own", arguments: requests)
    func members(expected: String, request: APIRequest) async throws {
        let bench = try APIBench()
        try await expectProblem(bench, request, expected)
    }

    @Test("so have the errors that the account's state leads to")
    func states() async throws {
        try await expectProblem(APIBench(isApproved: false), APIRequest(), "403 ACCOUNT_NOT_APPROVED")
        try await expectProblem(APIBench(capabilities: ["execution:read"]), APIRequest(), "403 CAPABILITY_DENIED")
        try await expectProblem(APIBench(credits: "0.000001"), APIRequest(), "402 INSUFFICIENT_CREDITS")
        let failing = try APIBench { _, _ in .failed(DispatchFailure(message: "It broke", failureClass: .provider)) }
        try await expectProblem(failing, APIRequest(), "500 EXECUTION_FAILED")
        let away = try APIBench()
        away.ledger.before { _ throws(LedgerFailure) in throw .unavailable(mayHaveHappened: false, reason: "away") }
        try await expectProblem(away, APIRequest(), "503 LEDGER_UNAVAILABLE")
        let full = try APIBench()
        full.ledger.before { _ throws(LedgerFailure) in throw .overloaded }
        try await expectProblem(full, APIRequest(), "503 OVERLOADED")
        let busy = try APIBench()
        for _ in 0..<1_000 { _ = try await busy.answer(APIRequest(body: "x")) }
        try await expectProblem(busy, APIRequest(), "429 RATE_LIMIT_EXCEEDED")
    }

    private struct Unforeseen: Error {}

    /// What the service never means to answer, thrown where its own routes can't be brought to.
    @Test(
        "whatever else goes wrong is an error of the same form, over a socket, and says nothing of its cause",
        arguments: [
            ("/unforeseen", "500 Internal Server Error", "INTERNAL_ERROR", "Something went wrong on our side"),
            ("/unreadable", "400 Bad Request", "BAD_REQUEST", "The request can't be read as HTTP with a JSON body"),
            (
                "/run", "503 Service Unavailable", "OVERLOADED",
                "The service can't take more runs now; nothing was dispatched"
            ),
        ]
    )
    func unforeseen(path: String, status: String, code: String, message: String) async throws {
        let bench = try APIBench()
        bench.ledger.before { _ throws(LedgerFailure) in throw .overloaded }
        let router = bench.router
        router.get("/unforeseen") { _, _ -> Response in throw Unforeseen() }
        router.get("/unreadable") { _, _ -> Response in throw HTTPError(.badRequest, message: "secret") }
        let request = path == "/run" ? APIRequest() : APIRequest(path, method: .get, body: "")
        for type in ["application/json", Self.problem] {
            let said = try await Application(router: router, logger: bench.logger).test(.live) { client in
                var request = request
                request.headers.append(("Accept", type))
                return try await bench.answer(request, from: client)
            }
            let number = status.prefix(3)
            let rest =
                #","type":"about:blank","title":"\#(status.dropFirst(4))","status":\#(number),"detail":"\#(message)","#
                + #""instance":"urn:uuid:<request>""#
            let body = #"{"success":false,"error":"\#(message)","code":"\#(code)","requestId":"<request>""#
            let retry = code == "OVERLOADED" ? "Retry-After: 1\n" : ""
            let lines = said.split(separator: "\n", omittingEmptySubsequences: false)
                .filter { !$0.hasPrefix("Date: ") && !$0.hasPrefix("Server: ") }.joined(separator: "\n")
            #expect(
                lines == "\(status)\nContent-Type: \(type)\n\(retry)X-Request-Id: <request>\n\n"
                    + body + (type == Self.problem ? rest : "") + "}"
            )
        }
    }

    @Test(
        "only a client that names the type gets it, and not one that likes plain JSON better",
        arguments: [
            (nil, false), ("*/*", false), ("application/*", false), ("application/json", false),
            ("application/problem+json", true), ("Application/Problem+JSON; charset=utf-8", true),
            ("application/json, application/problem+json", true), ("application/problem+json;q=0", false),
            ("application/problem+json;q=0.0, */*", false), ("text/html, application/problem+json;q=0.1", true),
            ("application/json;q=0.9, application/problem+json;q=0.8", false),
            ("application/json;q=0.8 , application/problem+json; q=0.9", true),
            ("application/problem+json;q=2", false), ("x-application/problem+json", false), ("", false),
        ] as [(String?, Bool)]
    )
    func preference(accept: String?, isProblem: Bool) async throws {
        let bench = try APIBench()
        let headers = accept.map { [("Accept", $0)] } ?? []
        let answer = try await bench.answer(APIRequest(headers: headers, body: "x"))
        let type = isProblem ? Self.problem : "application/json"
        #expect(answer.contains("Content-Type: \(type)\n"), "\(answer)")
        #expect(answer.contains(#""title":"#) == isProblem)
    }

    /// The same request with and without the wish for the type: the same status, code, headers and members, and more.
    private func expectProblem(_ bench: APIBench, _ request: APIRequest, _ expected: String) async throws {
        var request = request
        let plain = try await bench.answer(request)
        request.headers.append(("Accept", Self.problem))
        let answer = try await bench.answer(request)
        let parts = expected.split(separator: " ")
        #expect(plain.contains("Content-Type: application/json\n"), "\(plain)")
        #expect(answer.hasPrefix("\(parts[0]) "), "\(answer)")
        #expect(answer.contains("Content-Type: \(Self.problem)\n"), "\(answer)")
        let text = try #require(answer.split(separator: "\n\n", maxSplits: 1).last)
        let body = try JSONValue(text: String(text).replacing("<ms>", with: "0"))
        #expect(body["success"] == false)
        #expect(body["code"]?.stringValue == String(parts[1]))
        #expect(body["status"]?.integerValue == Int64(parts[0]))
        // The one kind of problem that has a type of its own (draft-ietf-httpapi-ratelimit-headers).
        let type = parts[0] == "429" ? "https://iana.org/assignments/http-problem-types#quota-exceeded" : "about:blank"
        #expect(body["type"]?.stringValue == type)
        #expect(body["detail"] == body["error"])
        #expect(body["title"]?.stringValue?.isEmpty == false)
        #expect(body["instance"]?.stringValue == "urn:uuid:<request>")
    }
}
