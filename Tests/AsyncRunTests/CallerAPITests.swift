import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import RunTestSupport
import Runs
import TestSupport
import Testing

/// What an account is told of itself over the wire: who it is, and what its runs cost.
@Suite("whoami and usage", .gated, .database(LedgerDatabase.template(journals: 4)))
struct CallerAPITests {
    private typealias Reply = APIProcess.Reply
    private static let anything = #"{"name":"k","capabilities":["execution:read"]}"#

    @Test("any key is told whose it is, before the account is approved and after its plan lost its keys")
    func whoami() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.pro, isApproved: false)
            let key = try await api.issueKey(to: account, Self.anything).key
            func expected(_ email: String, _ tier: String, _ approved: Bool) -> String {
                #"200 {"user":{"approved":\#(approved),"email":\#(email),"id":"u_\#(account)","role":"user","#
                    + #""tier":"\#(tier)"}}"#
            }
            let unapproved = try await api.send(.get, "/api/whoami", as: .key(key))
            #expect(unapproved.line == expected("null", "pro", false))
            #expect(unapproved.header("X-RateLimit-Limit") == nil)
            #expect(try await store.setContact("owner@example.com", of: account))
            try await store.administer(.setApproval(true), of: account)
            try await store.administer(.changeTier(.free), of: account)
            let free = try await api.send(.get, "/api/whoami", as: .key(key))
            #expect(free.line == expected(#""owner@example.com""#, "free", true))
            // An address can be forgotten, and no event has it.
            #expect(try await store.setContact(nil, of: account))
            #expect(try await store.setContact(nil, of: account) == false)
            #expect(try await api.send(.get, "/api/whoami", as: .key(key)).line == expected("null", "free", true))
            #expect(try await count("SELECT count(*) FROM ledger.events WHERE detail LIKE '%example%'") == 0)
            #expect(try await store.setContact("a@b", of: AccountID(FreshID.bits())) == false)
        }
    }

    @Test("without a key that is in force there is no answer, and a retired form is told so")
    func unauthorized() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let unauthorized = Reply.error(
                401,
                "UNAUTHORIZED",
                "Unauthorized: send an active API key in the x-api-key header"
            )
            let retired = Reply.error(
                401,
                "LEGACY_KEY_RETIRED",
                "API keys of this form were retired: make a new one on the dashboard's page of API keys"
            )
            let unknown = APIKeySecret(keyID: KeyID(FreshID.bits(in: JournalID(1)))).text
            for path in ["/api/whoami", "/api/usage", "/api/models", "/api/executions/x"] {
                #expect(try await api.send(.get, path, as: .none).line == unauthorized)
                #expect(try await api.send(.get, path, as: .key(unknown)).line == unauthorized)
                let legacy = "knouds_live_" + String(repeating: "0a", count: 16)
                #expect(try await api.send(.get, path, as: .key(legacy)).line == retired)
            }
            #expect(try await api.run(as: "knouds_" + String(repeating: "x", count: 40)).line == retired)
            let account = try await store.openAccount(.pro)
            let key = try await api.issueKey(to: account, Self.anything).key
            #expect(
                try await api.send(.get, "/api/me", as: .key(key)).line
                    == Reply.error(403, "API_KEY_NOT_ALLOWED", "An API key can't be used here")
            )
            #expect(
                try await api.send(.get, "/api/me", as: .none).line
                    == Reply.error(401, "UNAUTHORIZED", "Unauthorized: this is for owners who are signed in")
            )
            try await store.administer(.closeAccount, of: account)
            #expect(try await api.send(.get, "/api/whoami", as: .key(key)).line == unauthorized)
            #expect(try await api.send(.get, "/api/usage", as: .key(key)).line == unauthorized)
        }
    }

    @Test("a run is a row from its admission on, with what it cost to the last digit")
    func rows() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.business)
            let key = try await api.issueKey(to: account, #"{"name":"k","capabilities":["model:run"]}"#).key
            let stranger = try await store.openAccount(.business)
            let other = try await api.issueKey(to: stranger, #"{"name":"k","capabilities":["model:run"]}"#).key
            #expect(try await api.run(as: other).status == 200)

            #expect(try await api.run(as: key).json["cost"]?.scalarText == "1.5")
            #expect(try await api.run(as: key, "picture").status == 200)
            api.provider.follow { _, _ in .failed(DispatchFailure(message: "No", failureClass: .user)) }
            #expect(try await api.run(as: key).status == 500)
            // Refused before there was a run.
            #expect(try await api.run(as: key, "studio").status == 403)
            let page = try await api.send(.get, "/api/usage", as: .key(key))
            #expect(page.status == 200)
            #expect(page.header("X-RateLimit-Remaining") == "999" && page.header("Cache-Control") == "no-store")
            #expect(page.json["page"] == 0 && page.json["pageSize"] == 50 && page.json["total"] == 3)
            let rows = try #require(page.json["rows"]?.arrayValue)
            let shown = rows.map { row in
                [
                    "modelIds", "status", "cost", "userCost", "creditsCost", "errorCode", "requestId", "source",
                    "workflowSlug",
                ].map { row[$0]?.description ?? "missing" }.joined(separator: " ")
            }
            #expect(
                shown == [
                    #"["echo"] "failed" 0 0 0 "INPUTS_REFUSED" null "api-slim" null"#,
                    #"["picture"] "completed" 0.0009 0.010000001 10.000001 null "task_1" "api-slim" null"#,
                    #"["echo"] "completed" 0.0009 0.0015 1.5 null "task_1" "api-slim" null"#,
                ]
            )
            for row in rows {
                #expect(row["userId"] == .string("u_\(account)"))
                #expect(row["createdAt"]?.stringValue?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
                #expect(try #require(row["durationMs"]?.integerValue) >= 0)
            }
            let ids = rows.compactMap { $0["id"]?.integerValue }
            #expect(ids == ids.sorted(by: >) && Set(ids).count == 3)
            // 2^53: up to there a number of JavaScript is exact.
            #expect(ids.allSatisfy { $0 < 9_007_199_254_740_992 })
            try await expectSound(store)
        }
    }

    @Test("filters choose, pages part, and a row keeps its number")
    func filters() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.enterprise)
            let key = try await api.issueKey(to: account, #"{"name":"k","capabilities":["model:run"]}"#).key
            for _ in 0..<3 { #expect(try await api.run(as: key).status == 200) }
            #expect(try await api.run(as: key, "picture").status == 200)
            api.provider.follow { _, _ in .failed(DispatchFailure(message: "No", failureClass: .user)) }
            #expect(try await api.run(as: key).status == 500)
            api.provider.follow { _, _ in .unresolved(.timedOut, providerRequestID: nil) }
            #expect(try await api.run(as: key).status == 500)

            func ask(_ query: String) async throws -> (ids: [Int64], total: Int64?, page: Int64?) {
                let reply = try await api.send(.get, "/api/usage?\(query)", as: .key(key))
                #expect(reply.status == 200 && reply.header("X-RateLimit-Limit") == nil)
                let rows = reply.json["rows"]?.arrayValue ?? []
                let total = reply.json["total"]?.integerValue
                return (rows.compactMap { $0["id"]?.integerValue }, total, reply.json["page"]?.integerValue)
            }
            let all = try await ask("").ids
            #expect(all.count == 6)
            #expect(try await ask("status=processing").ids == [all[0]])
            #expect(try await ask("status=failed").ids == [all[1]])
            #expect(try await ask("status=cancelled").ids == [])
            #expect(try await ask("modelId=picture").ids == [all[2]])
            #expect(try await ask("modelId=echo&status=completed").ids == Array(all[3...]))
            #expect(try await ask("workflowSlug=none").total == 0)
            let second = try await ask("limit=2&offset=2")
            #expect(second.ids == Array(all[2...3]) && second.total == 6 && second.page == 1)
            #expect(try await ask("limit=2&offset=6").ids == [])
            let rest = try await ask("limit=500&before=\(all[1])")
            #expect(rest.ids == Array(all[2...]) && rest.total == 6)
            #expect(try await ask("").ids == all)
        }
    }

    @Test(
        "a filter that can't be read is refused by name and limit, and the request was counted",
        arguments: [
            ("limit=0", "limit", "a whole number from 1 to 500 is needed", #","min":1,"max":500"#),
            ("limit=501", "limit", "a whole number from 1 to 500 is needed", #","min":1,"max":500"#),
            ("limit=ten", "limit", "a whole number from 1 to 500 is needed", #","min":1,"max":500"#),
            ("limit=%2B1", "limit", "a whole number from 1 to 500 is needed", #","min":1,"max":500"#),
            (
                "offset=-1", "offset", "a whole number from 0 to 1000000000 is needed", #","min":0,"max":1000000000"#
            ),
            (
                "before=99999999999999999999", "before",
                "a whole number from 0 to 253402300799999999 is needed", #","min":0,"max":253402300799999999"#
            ),
            (
                "status=done", "status", "one of processing, completed, failed, cancelled is needed",
                #","allowed":["processing","completed","failed","cancelled"]"#
            ),
            ("modelId=GPT", "modelId", "1 to 100 lower-case letters, digits and hyphens are needed", #","limit":100"#),
            (
                "workflowSlug=", "workflowSlug", "1 to 100 lower-case letters, digits and hyphens are needed",
                #","limit":100"#
            ),
        ]
    )
    func invalid(query: String, field: String, message: String, limits: String) async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.pro)
            let key = try await api.issueKey(to: account, Self.anything).key
            let reply = try await api.send(.get, "/api/usage?\(query)", as: .key(key))
            let expected = Reply.error(400, "INVALID_QUERY", "\(field): \(message)", #","field":"\#(field)"\#(limits)"#)
            #expect(reply.line == expected)
            #expect(reply.header("X-RateLimit-Remaining") == "99")
        }
    }

    @Test("an admin passes ceilings, tiers and limits, and the events say which; whoever pays is bound all the same")
    func admin() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.free, role: .admin, credits: 10)
            let key = try await api.issueKey(to: account, #"{"name":"k","capabilities":["*"]}"#).key
            let studio = try await api.run(as: key, "studio")
            #expect(studio.status == 200 && studio.header("X-RateLimit-Limit") == nil)
            #expect(try await api.run(as: key, "studio").json["code"] == "INSUFFICIENT_CREDITS")
            let granted = try await store.allEvents(of: account).filter { $0.content.type == .capabilityGranted }
            let expected = #"{"by":"*","bypassed":["ceiling","rate_limit","tier"],"required":"model:studio:run"}"#
            #expect(granted.map { $0.content.detail?.text } == [expected, expected])

            // What the own plan allows is no bypass.
            let rich = try await store.openAccount(.enterprise, role: .admin)
            let own = try await api.issueKey(to: rich, #"{"name":"k","capabilities":["model:run"]}"#).key
            #expect(try await api.run(as: own).status == 200)
            let plain = try await store.allEvents(of: rich).filter { $0.content.type == .capabilityGranted }
            #expect(plain.map { $0.content.detail?.text } == [#"{"by":"model:run","required":"model:echo:run"}"#])
            try await expectSound(store)
        }
    }

    @Test("an account that waits for its approval runs nothing, and may once it has it")
    func approval() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.business, isApproved: false)
            let key = try await api.issueKey(to: account, #"{"name":"k","capabilities":["model:run"]}"#).key
            let refused = try await api.run(as: key)
            #expect(
                refused.line == Reply.error(403, "ACCOUNT_NOT_APPROVED", "The account waits for its approval")
            )
            try await store.administer(.setApproval(true), of: account)
            #expect(try await api.run(as: key).status == 200)
            try await store.administer(.setApproval(false), of: account)
            #expect(try await api.run(as: key).json["code"] == "ACCOUNT_NOT_APPROVED")
        }
    }
}
