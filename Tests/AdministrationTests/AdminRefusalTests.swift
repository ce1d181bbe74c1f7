import Administration
import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import TestSupport
import Testing

@Suite("What operators are refused", .database(LedgerDatabase.template(journals: 2)))
struct AdminRefusalTests {
    /// Every route, and whether finance and support may use it.
    private static let routes: [(HTTPRequest.Method, String, finance: Bool, support: Bool)] = [
        (.get, "/admin/whoami", true, true), (.get, "/admin/accounts", true, true),
        (.post, "/admin/accounts", false, false), (.get, "/admin/accounts/ID", true, true),
        (.get, "/admin/accounts/ID/events", true, true), (.put, "/admin/accounts/ID/tier", false, false),
        (.put, "/admin/accounts/ID/role", false, false), (.put, "/admin/accounts/ID/approval", false, true),
        (.post, "/admin/accounts/ID/close", false, false), (.post, "/admin/accounts/ID/credits", false, false),
        (.post, "/admin/accounts/ID/adjustments", false, false), (.post, "/admin/accounts/ID/renewals", false, false),
        (.get, "/admin/accounts/ID/balance", true, true), (.get, "/admin/accounts/ID/why", true, true),
        (.get, "/admin/accounts/ID/erase", true, true), (.post, "/admin/accounts/ID/erase", false, false),
        (.get, "/admin/accounts/ID/grants", true, true), (.post, "/admin/accounts/ID/grants", false, true),
        (.delete, "/admin/accounts/ID/grants/ID", false, true), (.put, "/admin/accounts/ID/alert", false, false),
        (.delete, "/admin/accounts/ID/alert", false, false), (.put, "/admin/accounts/ID/top-up", false, false),
        (.delete, "/admin/accounts/ID/top-up", false, false), (.get, "/admin/alerts", true, true),
        (.get, "/admin/models", true, true), (.put, "/admin/models/ID", false, false),
        (.get, "/admin/periods", true, true), (.post, "/admin/periods", false, false),
        (.get, "/admin/reconciliations", true, true), (.post, "/admin/reconciliations", true, false),
        (.get, "/admin/reconciliations/ID", true, true), (.get, "/admin/reconciliations/ID/items", true, true),
        (.post, "/admin/reconciliations/ID/resolutions", true, false),
        (.get, "/admin/log", true, true), (.get, "/admin/payments", true, true),
        (.get, "/admin/operators", true, true), (.post, "/admin/operators", false, false),
        (.delete, "/admin/operators/ID", false, false),
    ]
    private static let unknown = "019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50"

    @Test("each route lets in who may, and nobody else, before it looks at anything")
    func roles() async throws {
        try await AdminBench.with { bench in
            var tokens: [String: String] = [:]
            for role in ["finance", "support", "admin"] {
                let added = try await bench.ask(.post, "/admin/operators", #"{"name":"\#(role)-1","role":"\#(role)"}"#)
                #expect(added.status == 201)
                let token = try #require(added.json["token"]?.stringValue)
                #expect(token.wholeMatch(of: /rl_admin_[0-9A-Za-z]{43}/) != nil)
                tokens[role] = "Bearer \(token)"
            }
            for (method, path, finance, support) in Self.routes {
                let path = path.replacing("ID", with: Self.unknown)
                let none = try await bench.ask(method, path, headers: [])
                #expect(none.status == 401 && none.code == "UNAUTHORIZED", "\(method) \(path)")
                #expect(none.headers[.wwwAuthenticate] == "Bearer")
                let wrong = try await bench.ask(method, path, headers: [("authorization", "Bearer rl_admin_x")])
                #expect(wrong.status == 401, "\(method) \(path)")
                let key = [("x-api-key", "knouds_live_x"), ("authorization", "Bearer \(AdminBench.token)")]
                let byKey = try await bench.ask(method, path, headers: key)
                #expect(byKey.status == 403 && byKey.code == "API_KEY_NOT_ALLOWED", "\(method) \(path)")
                for (role, may) in [("finance", finance), ("support", support), ("admin", true)] {
                    let answer = try await bench.ask(method, path, headers: [("authorization", tokens[role] ?? "")])
                    #expect((answer.code == "OPERATOR_ROLE_DENIED") != may, "\(role) \(method) \(path): \(answer)")
                    #expect(may || (answer.status == 403 && answer.json["role"]?.stringValue == role))
                }
            }
            let digests = try await psql("SELECT count(*) FROM ledger.operators WHERE octet_length(token_digest) = 32")
            #expect(digests == "3")
            let support = [("authorization", tokens["support"] ?? "")]
            #expect(try await bench.ask(.get, "/admin/whoami", headers: support).json["name"] == "support-1")
            #expect(try await bench.ask(.delete, "/admin/operators/support-1").status == 204)
            #expect(try await bench.ask(.get, "/admin/whoami", headers: support).status == 401)
            #expect(try await bench.ask(.delete, "/admin/operators/support-1").status == 404)
            let again = try await bench.ask(.post, "/admin/operators", #"{"name":"admin-1","role":"admin"}"#)
            #expect(again.status == 409 && again.code == "OPERATOR_EXISTS")
        }
    }

    /// Method, path (after the account's, if it begins with a dot), body, status, code, and what the message names.
    private static let bad: [(HTTPRequest.Method, String, String, Int, String, String)] = [
        (.post, "/admin/accounts", "{", 400, "INVALID_BODY", "JSON object"),
        (.post, "/admin/accounts", "[]", 400, "INVALID_BODY", "JSON object"),
        (.post, "/admin/accounts", "{}", 400, "INVALID_REQUEST", "tier: it is missing"),
        (.post, "/admin/accounts", #"{"tier":"gold"}"#, 400, "INVALID_REQUEST", "tier: one of free, creator, pro"),
        (.post, "/admin/accounts", #"{"tier":"pro","x":1}"#, 400, "INVALID_REQUEST", "x: there is no such field"),
        (.post, "/admin/accounts", #"{"tier":"pro","approved":"yes"}"#, 400, "INVALID_REQUEST", "true or false"),
        (.get, "/admin/accounts?limit=0", "", 400, "INVALID_REQUEST", "limit: a whole number from 1 to 500"),
        (.get, "/admin/accounts?after=x", "", 400, "INVALID_REQUEST", "after: an id"),
        (.get, "/admin/accounts/x", "", 404, "ACCOUNT_NOT_FOUND", "no account"),
        (.get, "/admin/accounts/\(unknown)", "", 404, "ACCOUNT_NOT_FOUND", "no account"),
        (.get, "/admin/accounts/\(unknown)/events", "", 404, "ACCOUNT_NOT_FOUND", "no account"),
        (.post, "/admin/accounts/\(unknown)/close", "", 404, "ACCOUNT_NOT_FOUND", "no account"),
        (.patch, "/admin/accounts", "", 405, "METHOD_NOT_ALLOWED", "GET, POST"),
        (.get, "/admin/nothing", "", 404, "NOT_FOUND", "nothing"),
        (.post, "./credits", #"{"reference":"a"}"#, 400, "INVALID_REQUEST", "amount: it is missing"),
        (.post, "./credits", #"{"amount":5}"#, 400, "INVALID_REQUEST", "reference: it is missing"),
        (.post, "./credits", #"{"amount":0,"reference":"a"}"#, 400, "INVALID_REQUEST", "amount: a number of credits"),
        (.post, "./credits", #"{"amount":-1,"reference":"a"}"#, 400, "INVALID_REQUEST", "above 0"),
        (.post, "./credits", #"{"amount":1e3,"reference":"a"}"#, 400, "INVALID_REQUEST", "at most 6 decimals"),
        (.post, "./credits", #"{"amount":1,"reference":""}"#, 400, "INVALID_REQUEST", "1 to 200 bytes"),
        (
            .post, "./credits", #"{"amount":9223372036854,"reference":"a"}"#, 400, "INVALID_AMOUNT",
            "9223372036854.775807"
        ),
        (
            .post, "./credits", #"{"amount":1,"reference":"a","expiresAt":"2001-01-01T00:00:00Z"}"#, 400,
            "EXPIRY_IN_PAST", "expiresAt"
        ),
        (.post, "./credits", #"{"amount":1,"reference":"a","expiresAt":"soon"}"#, 400, "INVALID_REQUEST", "a moment"),
        (
            .post, "./adjustments", #"{"pot":"POT","amount":-51,"reason":"r","corrects":1}"#, 409,
            "ADJUSTMENT_TOO_LARGE", "50 credits"
        ),
        (
            .post, "./adjustments", #"{"pot":"POT","amount":-1,"reason":"r","corrects":99}"#, 400,
            "INVALID_REQUEST", "from 1 to 3"
        ),
        (
            .post, "./adjustments", #"{"pot":"\#(unknown)","amount":1,"reason":"r","corrects":1}"#, 404,
            "POT_NOT_FOUND", "no pot"
        ),
        (
            .post, "./adjustments", #"{"pot":"POT","amount":0,"reason":"","corrects":0}"#, 400,
            "INVALID_REQUEST", "amount: a number of credits other than 0"
        ),
        (.post, "./renewals", "{}", 400, "INVALID_REQUEST", "period: it is missing"),
        (.post, "./renewals", #"{"period":"p","allowance":9223372036854}"#, 400, "INVALID_AMOUNT", "balance at most"),
        (.post, "./grants", #"{"model":"echo"}"#, 400, "INVALID_REQUEST", "either runs or seconds"),
        (.post, "./grants", #"{"model":"echo","runs":null}"#, 400, "INVALID_REQUEST", "either runs or seconds"),
        (.post, "./grants", #"{"model":"E cho","runs":1}"#, 400, "INVALID_REQUEST", "lower-case letters"),
        (.post, "./grants", #"{"model":"echo","runs":0}"#, 400, "INVALID_REQUEST", "from 1 to 1000000000"),
        (.delete, "./grants/\(unknown)", "", 404, "GRANT_NOT_FOUND", "no grant"),
        (.delete, "./grants/x", "", 404, "GRANT_NOT_FOUND", "no grant"),
        (.put, "./alert", #"{"threshold":0}"#, 400, "INVALID_REQUEST", "threshold"),
        (
            .put, "./top-up", #"{"threshold":1,"amount":1,"customer":"cus_1"}"#, 400, "INVALID_REQUEST",
            "paymentMethod: it is needed with customer"
        ),
        (
            .put, "./top-up", #"{"threshold":1,"amount":1,"customer":"a b","paymentMethod":"pm_1"}"#, 400,
            "INVALID_REQUEST", "customer: 1 to 255 printable characters"
        ),
        (
            .put, "./top-up", #"{"threshold":1,"amount":1,"attemptsPerDay":25}"#, 400, "INVALID_REQUEST",
            "attemptsPerDay: a whole number from 1 to 24"
        ),
        (.put, "/admin/models/echo", "{}", 400, "INVALID_REQUEST", "enabled: it is missing"),
        (.post, "/admin/operators", #"{"name":"A b","role":"admin"}"#, 400, "INVALID_REQUEST", "lower-case letters"),
        (.post, "/admin/operators", #"{"name":"environment","role":"admin"}"#, 400, "INVALID_REQUEST", "not be"),
        (
            .post, "/admin/operators", #"{"name":"ann","role":"boss"}"#, 400, "INVALID_REQUEST",
            "admin, finance, support"
        ),
    ]

    @Test("bad input is told with its field and limit, in a fixed form, and changes nothing")
    func badInput() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let added = try await bench.ask(.post, path + "/credits", #"{"amount":50,"reference":"first"}"#)
            let pot = try #require(added.json["pot"]?["pot"]?.stringValue)
            // So that the account has three events.
            #expect(try await bench.ask(.put, path + "/approval", #"{"approved":true}"#).status == 200)
            let before = try await projectionDump()
            for (method, route, body, status, code, message) in Self.bad {
                let route = route.hasPrefix(".") ? path + route.dropFirst() : route
                let answer = try await bench.ask(method, route, body.replacing("POT", with: pot))
                #expect(answer.status == status && answer.code == code, "\(method) \(route) \(body): \(answer)")
                let said = answer.json["error"]?.stringValue ?? ""
                #expect(said.contains(message), "\(method) \(route) \(body): \(said)")
                #expect(answer.json["success"] == false && answer.json["requestId"] != nil)
            }
            let large = try await bench.ask(.post, path + "/credits", String(repeating: " ", count: 70_000))
            #expect(large.status == 413 && large.json["limit"] == 65_536)
            let bearer = ("authorization", "Bearer \(AdminBench.token)")
            let key = try await bench.ask(.post, path + "/close", headers: [bearer, ("idempotency-key", "a b")])
            #expect(key.status == 400 && key.code == "INVALID_IDEMPOTENCY_KEY" && key.json["limit"] == 255)
            let after = try await projectionDump()
            #expect(before == after)
            let exact = try await bench.ask(.post, path + "/credits", #"{"amount":0,"reference":"a"}"#)
            let name = try #require(HTTPField.Name("X-Request-Id"))
            let id = try #require(exact.headers[name])
            let needed = "a number of credits above 0 with at most 6 decimals is needed"
            #expect(
                exact.text == #"{"success":false,"error":"The request can't be taken: amount: \#(needed)","#
                    + #""code":"INVALID_REQUEST","requestId":"\#(id)","#
                    + #""issues":[{"message":"\#(needed)","path":"amount"}]}"#
            )
            #expect(exact.headers[.contentType] == "application/json")
        }
    }

    @Test("whoever adds a route for operators says here who may use it")
    func everyRoute() async throws {
        try await AdminBench.with { bench in
            var known: Set = [
                // Let in by its signature.
                "POST /admin/payments/stripe",
                // The same as those below `/api/api-keys`, whose roles the tests of keys look at.
                "GET /admin/accounts/ID/keys", "POST /admin/accounts/ID/keys", "DELETE /admin/accounts/ID/keys/ID",
            ]
            known.formUnion(Self.routes.map { "\($0.0) \($0.1)" })
            let routes = bench.routes
            for (method, path) in routes where method != .head && !known.contains("\(method) \(path)") {
                let answer = try await bench.ask(method, path.replacing("ID", with: Self.unknown))
                #expect(answer.status == 405, "\(method) \(path) stands in no list: \(answer)")
            }
            #expect(known.subtracting(routes.map { "\($0.method) \($0.path)" }) == [], "there is no such route")
        }
    }

    @Test("an account with a run under way can't be closed, and a closed one takes nothing more")
    func closing() async throws {
        try await AdminBench.with { bench in
            let tenant = try await Tenant.open(in: bench.store, credits: Credits(whole: 10))
            let path = "/admin/accounts/\(tenant.account)"
            let run = tenant.newExecution()
            _ = try await bench.store.submit(tenant.admit(run))
            let used = try await bench.ask(.post, path + "/close")
            #expect(used.status == 409 && used.code == "ACCOUNT_IN_USE", "\(used)")
            _ = try await bench.store.submit(tenant.fail(run))
            #expect(try await bench.ask(.post, path + "/close").status == 200)
            for (method, route, body) in [
                (HTTPRequest.Method.post, "/credits", #"{"amount":1,"reference":"a"}"#),
                (.put, "/tier", #"{"tier":"pro"}"#), (.post, "/close", ""),
                (.post, "/renewals", #"{"period":"p"}"#), (.put, "/alert", #"{"threshold":1}"#),
            ] {
                let answer = try await bench.ask(method, path + route, body)
                #expect(answer.status == 409 && answer.code == "ACCOUNT_CLOSED", "\(route): \(answer)")
            }
        }
    }
}
