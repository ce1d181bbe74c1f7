import HTTPTypes
import HummingbirdTesting
import Ledger
import RunTestSupport
import Runs
import Testing

@Suite("refusals")
struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let request: APIRequest
        let status: String
        let code: String
        let error: String
        /// What follows the request's id in the body.
        var context = ""
        /// Whether the request was counted, so that its answer carries the limits.
        var isCounted = true
        var testDescription: String { name }

        var transcript: String {
            let limits = """
                RateLimit: "default";r=999;t=55
                RateLimit-Policy: "default";q=1000;w=60
                X-RateLimit-Limit: 1000
                X-RateLimit-Remaining: 999
                X-RateLimit-Reset: 1767323100

                """
            return """
                \(status)
                Content-Type: application/json
                \(isCounted ? limits : "")X-Request-Id: <request>

                {"success":false,"error":"\(error)","code":"\(code)","requestId":"<request>"\(context)}
                """
        }
    }

    private static let unauthorized = "Unauthorized: send an active API key in the x-api-key header"
    private static let badSlug =
        "A model's or workflow's name has lower-case letters, digits and hyphens only, and at most 100 of them"

    static let keys: [Case] = [
        ("no key", APIRequest.Key.none), ("an empty key", .text("")), ("a key that is none", .text("knouds_live_x")),
        ("a key in the wrong place", .text("Bearer")),
        ("an unknown key", .text("knouds_live_" + String(repeating: "0", count: 65))),
    ].map { name, key in
        Case(
            name: name,
            request: APIRequest(key: key),
            status: "401 Unauthorized",
            code: "UNAUTHORIZED",
            error: unauthorized,
            isCounted: false
        )
    }

    static let slugs: [Case] = [
        "GPT", "two%20words", "a%2Fb", "..", "%00", "echo%", "e%CC%81cho", "ec_ho", "%C3", "echo.",
        String(repeating: "a", count: 101),
    ].map { slug in
        Case(
            name: "the slug \(slug)",
            request: APIRequest("/api/models/\(slug)/run"),
            status: "400 Bad Request",
            code: "INVALID_SLUG",
            error: badSlug,
            isCounted: false
        )
    }

    static let bodies: [Case] = [
        "", "x", "[]", "[{}]", "null", "1", #""text""#, #"{"inputs":{"prompt":"hi"}"#, #"{"inputs":{"prompt":"hi"}}x"#,
        #"{"inputs":{"prompt":"\ud800"}}"#, String(repeating: "[", count: 100_000),
        #"{"inputs":"# + String(repeating: #"{"a":"#, count: 10_000),
    ].map { body in
        Case(
            name: "the body \(body.prefix(30))",
            request: APIRequest(body: body),
            status: "400 Bad Request",
            code: "INVALID_BODY",
            error: "The body must be a JSON object"
        )
    }

    static let inputs: [Case] = [
        ("{}", #"{"message":"is required","path":"inputs"}"#),
        (#"{"inputs":null}"#, #"{"message":"must be an object","path":"inputs"}"#),
        (#"{"inputs":[]}"#, #"{"message":"must be an object","path":"inputs"}"#),
        (#"{"inputs":"x"}"#, #"{"message":"must be an object","path":"inputs"}"#),
        (#"{"inputs":{}}"#, #"{"message":"is required","path":"prompt"}"#),
        (#"{"inputs":{"prompt":"hi","size":1}}"#, #"{"message":"is not a field of this model","path":"size"}"#),
        (
            #"{"inputs":{"n":9,"prompt":"","size":1}}"#,
            #"{"message":"must be between 1 and 4","path":"n"},"#
                + #"{"message":"must have between 1 and 1048576 characters, not 0","path":"prompt"},"#
                + #"{"message":"is not a field of this model","path":"size"}"#
        ),
    ].map { body, issues in
        Case(
            name: "the inputs \(body)",
            request: APIRequest(body: body),
            status: "400 Bad Request",
            code: "INVALID_INPUTS",
            error: "The inputs do not fit the model; see issues",
            context: #","issues":[\#(issues)]"#
        )
    }

    static let asynchronous: [Case] = [
        ("async=true", APIRequest("/api/models/echo/run?async=true")),
        ("async=true among others", APIRequest("/api/models/echo/run?a=b&async=true")),
        ("Prefer", APIRequest(headers: [("Prefer", "respond-async")])),
        ("Prefer among others", APIRequest(headers: [("Prefer", "return=minimal, Respond-Async ; x=1, wait=10")])),
    ].map { name, request in
        Case(
            name: name,
            request: request,
            status: "400 Bad Request",
            code: "ASYNC_NOT_SUPPORTED",
            error: "The model can't run asynchronously; leave out async=true"
        )
    }

    static let models: [Case] = [
        Case(
            name: "an unknown model",
            request: APIRequest("/api/models/nothing/run"),
            status: "404 Not Found",
            code: "MODEL_NOT_FOUND",
            error: "There is no enabled model of this name"
        ),
        Case(
            name: "a model above the plan",
            request: APIRequest("/api/models/studio/run"),
            status: "403 Forbidden",
            code: "MODEL_TIER_REQUIRED",
            error: "The model needs the enterprise plan or a higher one",
            context: #","requiredTier":"enterprise","tier":"business""#
        ),
    ]

    static let all = keys + slugs + bodies + inputs + asynchronous + models

    @Test("a refusal has its status, code, words, numbers and headers, and nothing is run", arguments: all)
    func refusal(_ refusal: Case) async throws {
        let bench = try APIBench()
        #expect(try await bench.answer(refusal.request) == refusal.transcript)
        #expect(bench.provider.requests.isEmpty)
        #expect(bench.ledger.state(of: bench.account.id).account?.available == Credits(whole: 1_000))
    }

    @Test("what is no wish for an asynchronous run is none")
    func synchronous() async throws {
        let bench = try APIBench()
        let requests = [
            APIRequest("/api/models/echo/run?async=false"), APIRequest("/api/models/echo/run?async"),
            APIRequest("/api/models/echo/run?noasync=true"),
            APIRequest(headers: [("Prefer", "handling=respond-async, wait=10")]),
        ]
        for request in requests { #expect(try await bench.answer(request).hasPrefix("200 OK")) }
    }

    @Test("a slug may be percent-encoded, and a slash may follow")
    func encodedSlug() async throws {
        let bench = try APIBench()
        for path in ["/api/models/%65ch%6F/run", "/api/models/%65ch%6f/run", "/api/models/echo/run/"] {
            #expect(try await bench.answer(APIRequest(path)).hasPrefix("200 OK"))
        }
        #expect(bench.provider.requests.count == 3)
    }

    @Test("a key that was revoked is refused from the next request on")
    func revokedKey() async throws {
        let bench = try APIBench()
        let refusal = Self.keys[0].transcript
        try await bench.app.test(.router) { client in
            let before = try await bench.answer(APIRequest(), from: client)
            #expect(before.hasPrefix("200 OK"))
            bench.ledger.administer(.revokeKey(bench.account.secret.keyID), of: bench.account.id)
            // The first is refused by the ledger, the second by what was learned from it.
            #expect(try await bench.answer(APIRequest(), from: client) == refusal)
            let commands = bench.ledger.commands.count
            #expect(try await bench.answer(APIRequest(), from: client) == refusal)
            #expect(bench.ledger.commands.count == commands)
        }
    }

    @Test(
        "a key without the capability is told which one it lacks",
        arguments: [["model:picture:run"], ["execution:read"], ["workflow:run", "workflow:echo:run"]]
    )
    func capability(_ capabilities: [String]) async throws {
        let expected = Case(
            name: "",
            request: APIRequest(),
            status: "403 Forbidden",
            code: "CAPABILITY_DENIED",
            error: "The key lacks the capability model:echo:run",
            context: #","required":"model:echo:run""#,
            isCounted: false
        )
        let bench = try APIBench(capabilities: capabilities)
        #expect(try await bench.answer(APIRequest()) == expected.transcript)
    }

    @Test("a key for one model runs that model, and a plan that lost models loses the keys' right to them")
    func capabilityOfOneModel() async throws {
        #expect(try await APIBench(capabilities: ["model:echo:run"]).answer(APIRequest()).hasPrefix("200 OK"))
        #expect(try await APIBench(tier: .pro).answer(APIRequest()).contains(#""code":"CAPABILITY_DENIED""#))
    }

    @Test("an account that waits for its approval is told so")
    func notApproved() async throws {
        let expected = Case(
            name: "",
            request: APIRequest(),
            status: "403 Forbidden",
            code: "ACCOUNT_NOT_APPROVED",
            error: "The account waits for its approval",
            isCounted: false
        )
        #expect(try await APIBench(isApproved: false).answer(APIRequest()) == expected.transcript)
    }

    @Test("the first thing wrong decides, in the order of the design")
    func order() async throws {
        let steps: [(code: String, request: APIRequest, credits: String, capabilities: [String])] = [
            ("UNAUTHORIZED", APIRequest("/api/models/B%20/run?async=true", key: .none, body: "x"), "1", ["model:run"]),
            ("INVALID_SLUG", APIRequest("/api/models/B%20/run?async=true", body: "x"), "1", ["execution:read"]),
            ("CAPABILITY_DENIED", APIRequest("/api/models/b/run?async=true", body: "x"), "1", ["execution:read"]),
            ("INVALID_BODY", APIRequest("/api/models/b/run?async=true", body: "x"), "1", ["model:run"]),
            ("INVALID_INPUTS", APIRequest("/api/models/b/run?async=true", body: "{}"), "1", ["model:run"]),
            ("MODEL_NOT_FOUND", APIRequest("/api/models/b/run?async=true"), "1", ["model:run"]),
            ("MODEL_TIER_REQUIRED", APIRequest("/api/models/studio/run?async=true"), "1", ["model:run"]),
            ("ASYNC_NOT_SUPPORTED", APIRequest("/api/models/echo/run?async=true"), "1", ["model:run"]),
            ("INSUFFICIENT_CREDITS", APIRequest("/api/models/echo/run"), "1", ["model:run"]),
        ]
        for step in steps {
            let bench = try APIBench(credits: step.credits, capabilities: step.capabilities)
            #expect(try await bench.answer(step.request).contains(#""code":"\#(step.code)""#), "\(step.code)")
        }
    }
}
