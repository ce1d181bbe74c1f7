import HTTPTypes
import HummingbirdTesting
import Ledger
import RunTestSupport
import Runs
import Testing

@Suite("answers to runs")
struct RunAnswerTests {
    @Test("a run that succeeds answers with its result, its cost in credits and the limits")
    func success() async throws {
        let expected = """
            200 OK
            Content-Type: application/json
            RateLimit: "default";r=999;t=55
            RateLimit-Policy: "default";q=1000;w=60
            X-RateLimit-Limit: 1000
            X-RateLimit-Remaining: 999
            X-RateLimit-Reset: 1767323100
            X-Request-Id: <request>

            {"success":true,"result":{"text":["It is done."]},"cost":1.5,"ms":<ms>}
            """
        #expect(try await APIBench().answer(APIRequest()) == expected)
    }

    @Test("a run that a grant pays for costs 0, and the next one is refused though there are credits")
    func countGrant() async throws {
        let bench = try APIBench()
        bench.issueGrant(.runs(1))
        #expect(try await bench.answer(APIRequest()).contains(#""cost":0,"#))
        let expected = """
            402 Payment Required
            Content-Type: application/json
            RateLimit: "default";r=998;t=55
            RateLimit-Policy: "default";q=1000;w=60
            X-RateLimit-Limit: 1000
            X-RateLimit-Remaining: 998
            X-RateLimit-Reset: 1767323100
            X-Request-Id: <request>

            {"success":false,"error":"The trial of this model is used up; a higher plan lifts the limit, credits do not",\
            "code":"grant_exhausted","requestId":"<request>","grant":{"granted":1,"used":1}}
            """
        #expect(try await bench.answer(APIRequest()) == expected)
    }

    @Test("a trial in time ends in time")
    func windowGrant() async throws {
        let bench = try APIBench()
        bench.issueGrant(.window(seconds: 3_600))
        #expect(try await bench.answer(APIRequest()).contains(#""cost":0,"#))
        bench.ledger.now = bench.ledger.now.adding(seconds: 3_601)
        let expected = """
            402 Payment Required
            Content-Type: application/json
            RateLimit: "default";r=999;t=54
            RateLimit-Policy: "default";q=1000;w=60
            X-RateLimit-Limit: 1000
            X-RateLimit-Remaining: 999
            X-RateLimit-Reset: 1767326700
            X-Request-Id: <request>

            {"success":false,"error":"The trial of this model is used up; a higher plan lifts the limit, credits do not",\
            "code":"grant_exhausted","requestId":"<request>",\
            "grant":{"closesAt":"2026-01-02T04:04:05.678903Z","opensAt":"2026-01-02T03:04:05.678903Z"}}
            """
        // The journal's clock moves on by a microsecond for each event that it records.
        let answer = try await bench.answer(APIRequest()).replacing(/(\d\d:\d\d:\d\d\.6789)\d\dZ/) { "\($0.1)03Z" }
        #expect(answer == expected)
    }

    @Test("credits that do not suffice are told to the sixth decimal, never as an exponent")
    func insufficientCredits() async throws {
        let bench = try APIBench(credits: "0.000001")
        let expected = """
            402 Payment Required
            Content-Type: application/json
            RateLimit: "default";r=999;t=55
            RateLimit-Policy: "default";q=1000;w=60
            X-RateLimit-Limit: 1000
            X-RateLimit-Remaining: 999
            X-RateLimit-Reset: 1767323100
            X-Request-Id: <request>

            {"success":false,"error":"The run may cost 10.000001 credits, and 0.000001 are available",\
            "code":"INSUFFICIENT_CREDITS","requestId":"<request>","required":10.000001,"available":0.000001}
            """
        #expect(try await bench.answer(APIRequest("/api/models/picture/run")) == expected)
    }

    @Test("a plan without a limit sends no rate-limit headers, on success and on refusal")
    func unlimited() async throws {
        let bench = try APIBench(tier: .enterprise)
        #expect(
            try await bench.answer(APIRequest()) == """
                200 OK
                Content-Type: application/json
                X-Request-Id: <request>

                {"success":true,"result":{"text":["It is done."]},"cost":1.5,"ms":<ms>}
                """
        )
        #expect(
            try await bench.answer(APIRequest("/api/models/nothing/run")) == """
                404 Not Found
                Content-Type: application/json
                X-Request-Id: <request>

                {"success":false,"error":"There is no enabled model of this name","code":"MODEL_NOT_FOUND",\
                "requestId":"<request>"}
                """
        )
    }

    @Test("a run that failed answers 500 with the provider's words, one that is unresolved says so")
    func executionFailed() async throws {
        let failure = DispatchFailure(
            message: "The prompt is against the rules.",
            failureClass: .user,
            providerCode: "content_policy"
        )
        let limits = """
            Content-Type: application/json
            RateLimit: "default";r=999;t=55
            RateLimit-Policy: "default";q=1000;w=60
            X-RateLimit-Limit: 1000
            X-RateLimit-Remaining: 999
            X-RateLimit-Reset: 1767323100
            X-Request-Id: <request>
            """
        let failed = try APIBench { _, _ in .failed(failure) }
        #expect(
            try await failed.answer(APIRequest()) == """
                500 Internal Server Error
                \(limits)

                {"success":false,"error":"The prompt is against the rules.","code":"EXECUTION_FAILED",\
                "requestId":"<request>","executionId":"<execution>"}
                """
        )
        let unresolved = try APIBench { _, _ in .unresolved(.timedOut, providerRequestID: nil) }
        #expect(
            try await unresolved.answer(APIRequest()) == """
                500 Internal Server Error
                \(limits)

                {"success":false,"error":"The provider did not say how the run ended. Nothing is charged unless it turns \
                out to have succeeded","code":"EXECUTION_FAILED","requestId":"<request>","executionId":"<execution>",\
                "unresolved":true}
                """
        )
    }

    @Test("the 1,001st run of a minute is refused with all that is needed to come back, and consumes nothing")
    func rateLimit() async throws {
        let bench = try APIBench()
        try await bench.app.test(.router) { client in
            for _ in 0..<1_000 {
                let answer = try await bench.answer(APIRequest(body: "[]"), from: client)
                #expect(answer.hasPrefix("400 Bad Request"))
            }
            let expected = """
                429 Too Many Requests
                Content-Type: application/json
                RateLimit: "default";r=0;t=55
                RateLimit-Policy: "default";q=1000;w=60
                Retry-After: 55
                X-RateLimit-Limit: 1000
                X-RateLimit-Remaining: 0
                X-RateLimit-Reset: 1767323100
                X-Request-Id: <request>

                {"success":false,"error":"Rate limit exceeded","code":"RATE_LIMIT_EXCEEDED","requestId":"<request>",\
                "tier":"business","limit":1000,"retryAfter":55}
                """
            for _ in 0..<3 { #expect(try await bench.answer(APIRequest(), from: client) == expected) }
            #expect(bench.ledger.state(of: bench.account.id).windows[.modelRun]?.count == 1_000)
            // The next clock minute starts anew.
            bench.ledger.now = bench.ledger.now.adding(seconds: 55)
            let next = try await bench.answer(APIRequest(), from: client)
            #expect(next.hasPrefix("200 OK"))
            #expect(next.contains("X-RateLimit-Remaining: 999\nX-RateLimit-Reset: 1767323160"))
        }
    }

    @Test("Retry-After is never below 1, though the minute ends within the second")
    func retryAfter() async throws {
        let bench = try APIBench()
        bench.ledger.now = Timestamp(microseconds: 1_767_323_099_900_000)
        try await bench.app.test(.router) { client in
            for _ in 0..<1_000 { _ = try await bench.answer(APIRequest(body: "[]"), from: client) }
            let answer = try await bench.answer(APIRequest(), from: client)
            #expect(answer.contains("\nRetry-After: 1\n"))
            #expect(answer.contains(#""retryAfter":1}"#))
            #expect(answer.contains("RateLimit: \"default\";r=0;t=1\n"))
        }
    }

    @Test(
        "an absent ledger and a full one are told apart, and ask to come back",
        arguments: [
            (
                LedgerFailure.overloaded, "1", "OVERLOADED",
                "The service can't take more runs now; nothing was dispatched"
            ),
            (
                .unavailable(mayHaveHappened: false, reason: "secret reason"), "2", "LEDGER_UNAVAILABLE",
                "The ledger can't be reached; nothing was dispatched that it does not know of"
            ),
        ]
    )
    func noLedger(_ failure: LedgerFailure, _ seconds: String, _ code: String, _ message: String) async throws {
        let expected = """
            503 Service Unavailable
            Content-Type: application/json
            Retry-After: \(seconds)
            X-Request-Id: <request>

            {"success":false,"error":"\(message)","code":"\(code)","requestId":"<request>"}
            """
        let deciding = try APIBench()
        deciding.ledger.before { _ throws(LedgerFailure) in throw failure }
        #expect(try await deciding.answer(APIRequest()) == expected)
        // The same when already the key can't be looked up.
        let authenticating = try APIBench()
        authenticating.ledger.failKeys(failure)
        #expect(try await authenticating.answer(APIRequest()) == expected)
        #expect(deciding.provider.requests.isEmpty && authenticating.provider.requests.isEmpty)
    }
}

extension APIBench {
    /// Gives the account free runs of `echo`.
    func issueGrant(_ allowance: Grant.Allowance) {
        let id = GrantID(Identifier128(high: 1, low: 1))
        ledger.administer(
            .issueGrant(IssueGrant(grantID: id, model: "echo", allowance: allowance, expiresAt: nil)),
            of: account.id
        )
    }
}
