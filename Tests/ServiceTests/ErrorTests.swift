import APIReference
import LocalCluster
import NIOHTTP1
import OpenAPIFiles
import Registry
import TestSupport
import Testing

/// Goal: every code of the description comes over the wire as `Golden/errors.txt` has it, to the byte, in both forms.
/// Method: one service with everything turned on, accounts in every state, and a request for each code, asked twice. What
/// differs from run to run is written as a word.
@Suite("errors over the wire", .serialized, .timeLimit(.minutes(5)))
struct ErrorTests {
    /// Codes that no request alone leads to, and where they are looked at instead.
    static let elsewhere: Set<String> = [
        // What is no request, what fails as it never should, and a full queue: ProblemTests, to the byte.
        "BAD_REQUEST", "INTERNAL_ERROR", "OVERLOADED",
        // Who wants a name at the same moment as others draws another number: WorkflowSharingTests, and the rule sheets.
        "WORKFLOW_SLUG_TAKEN",
        // A callback that another than the provider has signed: SignedCallbackTests, to the byte.
        "INVALID_SIGNATURE",
    ]

    /// Code, method and path, whose key is sent (`operator`: a token instead), body, another header. `$RUN` stands for the
    /// run of a text model, `$INPUTS` for inputs that it takes, `$NOBODY` for an id that is nothing's.
    static let table = #"""
        UNAUTHORIZED             | POST $RUN | nobody | $INPUTS
        UNAUTHORIZED             | GET /admin/accounts | nobody | | authorization: Bearer nobody
        LEGACY_KEY_RETIRED       | POST $RUN | nobody | $INPUTS | x-api-key: knouds_0123456789abcdef
        INVALID_SLUG             | POST /api/models/GPT/run | rich | $INPUTS
        INVALID_BODY             | POST $RUN | rich | []
        INVALID_INPUTS           | POST $RUN | rich | {"inputs":{}}
        ASYNC_NOT_SUPPORTED      | POST $RUN?async=true | rich | $INPUTS
        INVALID_IDEMPOTENCY_KEY  | POST $RUN | rich | $INPUTS | idempotency-key: two words
        INVALID_IDEMPOTENCY_KEY  | POST $BUSY/close | operator | | idempotency-key: two words
        IDEMPOTENCY_MISMATCH     | POST $RUN | rich | {"inputs":{"prompt":"ho"}} | idempotency-key: a
        BODY_TOO_LARGE           | POST $RUN | rich | $MEGABYTE
        BODY_TOO_LARGE           | POST $KEYS | operator | $MEGABYTE
        BODY_TOO_LARGE           | PUT /api/api-keys/$RICHKEY/webhook | operator | $MEGABYTE
        INVALID_WAIT             | GET /api/executions/$NOBODY?wait=61 | rich
        INVALID_QUERY            | GET /api/usage?limit=0 | rich
        INSUFFICIENT_CREDITS     | POST $RUN | poor | $INPUTS
        grant_exhausted          | POST $RUN | tried | $INPUTS
        ACCOUNT_NOT_APPROVED     | POST $RUN | waiting | $INPUTS
        MODEL_TIER_REQUIRED      | POST /api/models/studio-preview/run | rich | $INPUTS
        MODEL_NOT_FOUND          | POST /api/models/none/run | rich | $INPUTS
        EXECUTION_NOT_FOUND      | GET /api/executions/$NOBODY | rich
        EXECUTION_NOT_CANCELLABLE | POST /api/executions/$ENDED/cancel | rich
        EXECUTION_FAILED         | POST $RUN | rich | {"inputs":{"prompt":"[[fault:refuse]]"}}
        NOT_FOUND                | GET /nothing | rich
        METHOD_NOT_ALLOWED       | PUT $RUN | rich | $INPUTS
        INVALID_WEBHOOK          | PUT /api/api-keys/$RICHKEY/webhook | operator | {"url":"http://x","size":1}
        WEBHOOK_NOT_FOUND        | GET /api/api-keys/$RICHKEY/webhook | operator
        CAPABILITY_DENIED        | PUT /api/api-keys/$RICHKEY/webhook | operator | {"url":"https://hooks.example.com/"}
        API_KEY_NOT_FOUND        | GET /api/api-keys/$NOBODY/webhook | operator
        API_KEY_NOT_ALLOWED      | GET $KEYS | rich
        API_KEY_ACCESS_DENIED    | POST /admin/accounts/$FREE/keys | operator | {"name":"k","preset":"read-only"}
        CAPABILITY_ABOVE_CEILING | POST $KEYS | operator | {"name":"k","capabilities":["*"]}
        INVALID_ACCOUNT          | GET /api/api-keys | operator
        INVALID_NAME             | POST $KEYS | operator | {"name":"","preset":"read-only"}
        INVALID_PRESET           | POST $KEYS | operator | {"name":"k","preset":"x"}
        INVALID_CAPABILITY       | POST $KEYS | operator | {"name":"k","capabilities":["model:walk"]}
        OPERATOR_ROLE_DENIED     | POST $BUSY/close | nobody | | authorization: Bearer $ANN
        OPERATOR_EXISTS          | POST /admin/operators | operator | {"name":"ann","role":"finance"}
        INVALID_REQUEST          | POST /admin/accounts | operator | {}
        ACCOUNT_NOT_FOUND        | GET /admin/accounts/$NOBODY | operator
        ACCOUNT_IN_USE           | POST $BUSY/close | operator
        ACCOUNT_OPEN             | POST $BUSY/erase | operator | {"confirm":"$OPENID"}
        ACCOUNT_CLOSED           | PUT /admin/accounts/$CLOSED/tier | operator | {"tier":"pro"}
        INVALID_AMOUNT           | POST $BUSY/credits | operator | {"amount":9223372036854,"reference":"a"}
        EXPIRY_IN_PAST           | POST $BUSY/credits | operator | {"amount":1,"reference":"a","expiresAt":"2001-01-01T00:00:00Z"}
        INVALID_EXPIRY           | POST $BUSY/credits | operator | {"amount":1,"reference":"a","expiresAt":"9999-12-31T23:59:59Z"}
        ALLOWANCE_REQUIRED       | POST /admin/accounts/$HUGE/renewals | operator | {"period":"p"}
        POT_NOT_FOUND            | POST $BUSY/adjustments | operator | {"pot":"$NOBODY","amount":1,"reason":"r","corrects":1}
        ADJUSTMENT_TOO_LARGE     | POST $BUSY/adjustments | operator | {"pot":"$POT","amount":-2,"reason":"r","corrects":1}
        GRANT_NOT_FOUND          | DELETE $BUSY/grants/$NOBODY | operator
        INVALID_STRIPE_SIGNATURE | POST /admin/payments/stripe | nobody | {} | stripe-signature: t=1,v1=00
        WORKFLOW_NOT_FOUND       | GET /api/workflows/none | drawing
        INVALID_WORKFLOW         | POST /api/workflows | drawing | {"name":"w","nodes":[{"id":"a","type":"model","data":{"model":5}}],"edges":[]}
        WORKFLOW_LIMIT_REACHED   | POST /api/workflows | full | {"name":"one more","nodes":[],"edges":[]}
        PAYMENT_NOT_FOUND        | POST /admin/payments/stripe | nobody | $REFUND | stripe-signature: $SIGNATURE
        """#

    @Test("every code has a row, and comes with its status, headers and body in both forms")
    func codes() async throws {
        try await Stack.with { stack in
            try await stack.script(["jobMilliseconds": 20_000])
            let bench = try await ErrorBench(stack)
            var lines: [String] = []
            for row in Self.table.split(separator: "\n") { lines += try await bench.lines(of: ErrorRow(row)) }
            lines += try await bench.busyLines()
            lines += try await bench.contendedLines()
            lines += try await bench.exceededLines()
            lines += try await bench.unreadableLogLines()
            try await stack.cluster.stop(mode: .immediate)
            lines += try await bench.lines(of: ErrorRow("LEDGER_UNAVAILABLE | GET /api/usage | rich"))
            expectGolden(lines.joined(separator: "\n") + "\n", named: "errors.txt")
            let document = try APIDocument(folder: OpenAPIFiles.folder())
            #expect(Set(document.errorCodes).subtracting(bench.seen) == Self.elsewhere)
        }
    }
}
