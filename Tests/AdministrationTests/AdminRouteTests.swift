import Administration
import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import TestSupport
import Testing

@Suite("The operators' API", .database(LedgerDatabase.template(journals: 3)))
struct AdminRouteTests {
    @Test("what an operator does to an account shows in it, and in its events with the operator's name")
    func life() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open("pro")
            #expect(try await bench.ask(.put, path + "/tier", #"{"tier":"business"}"#).status == 200)
            #expect(try await bench.ask(.put, path + "/role", #"{"role":"admin"}"#).status == 200)
            #expect(try await bench.ask(.put, path + "/approval", #"{"approved":false}"#).status == 200)
            let added = try await bench.ask(
                .post,
                path + "/credits",
                #"{"amount":100.5,"reference":"invoice 7","expiresAt":"2028-01-01T00:00:00Z"}"#
            )
            #expect(added.status == 201 && added.json["balance"]?.scalarText == "100.5", "\(added)")
            let pot = try #require(added.json["pot"]?["pot"]?.stringValue)
            let again = try await bench.ask(.post, path + "/credits", #"{"amount":7,"reference":"invoice 7"}"#)
            #expect(again.status == 200 && again.json["repeated"] == true, "\(again)")
            #expect(again.json["pot"]?["pot"]?.stringValue == pot)
            #expect(again.json["balance"]?.scalarText == "100.5")
            let adjusted = try await bench.ask(
                .post,
                path + "/adjustments",
                #"{"pot":"\#(pot)","amount":"-0.5","reason":"typo","corrects":5}"#
            )
            #expect(adjusted.status == 201 && adjusted.json["balance"] == 100, "\(adjusted)")
            let given = try await bench.ask(.post, path + "/grants", #"{"model":"echo","runs":3}"#)
            let grant = try #require(given.json["grant"]?["grant"]?.stringValue)
            #expect(try await bench.ask(.get, path + "/grants").json["grants"]?.arrayValue?.count == 1)
            for _ in 0..<2 { #expect(try await bench.ask(.delete, path + "/grants/\(grant)").status == 204) }
            #expect(try await bench.ask(.post, path + "/close").json["account"]?["closed"] == true)

            let shown = try await bench.ask(.get, path).json
            #expect(shown["account"]?["tier"] == "business" && shown["account"]?["role"] == "admin")
            #expect(shown["account"]?["approved"] == false)
            #expect(shown["pots"]?.arrayValue?.first?["reference"] == "invoice 7")
            #expect(shown["grants"]?.arrayValue?.first?["revoked"] == true)
            let events = try #require(try await bench.ask(.get, path + "/events?limit=5").json["events"]?.arrayValue)
            #expect(events.count == 5)
            let rest = try await bench.ask(.get, path + "/events?after=5").json
            let all = events + (rest["events"]?.arrayValue ?? [])
            let types = all.compactMap { $0["type"]?.stringValue }
            #expect(
                types == [
                    "account.opened", "account.tier_changed", "account.role_changed", "account.approved",
                    "credits.added", "credits.adjusted", "grant.issued", "grant.revoked", "account.closed",
                ]
            )
            #expect(all.allSatisfy { $0["actor"] == "operator:environment" && $0["requestId"] != .null })
        }
    }

    @Test("a month of the books is closed once it is over, and listed")
    func periods() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            #expect(
                try await bench.ask(.post, path + "/credits", #"{"amount":5,"reference":"invoice 9"}"#).status == 201
            )
            #expect(try await bench.ask(.get, "/admin/periods").json["periods"]?.arrayValue?.isEmpty == true)
            // The bench's clock stands in January 2027.
            for (month, status, part) in [
                ("2027", 400, "a month such as 2027-01"), ("2027-01", 400, "it is not over"),
                ("2026-12", 200, "2026-12"),
                ("2026-12", 200, "2026-12"), ("2026-11", 400, "the next one to close is 2027-01"),
            ] {
                let answer = try await bench.ask(.post, "/admin/periods", #"{"month":"\#(month)"}"#)
                #expect(answer.status == status && answer.text.contains(part), "\(month): \(answer)")
            }
            bench.clock.advance(seconds: 31 * 86_400)
            #expect(try await bench.ask(.post, "/admin/periods", #"{"month":"2027-01"}"#).status == 200)
            let periods = try await bench.ask(.get, "/admin/periods").json["periods"]?.arrayValue ?? []
            #expect(periods.count == 6)
            let added = periods.filter { $0["month"] == "2027-01" }.compactMap { period in
                period["totals"]?.arrayValue?.first { $0["account"] == "Assets:Consideration:TopUp" }?["amount"]?
                    .scalarText
            }
            #expect(added.sorted() == ["0.000000", "0.000000", "5.000000"])
        }
    }

    @Test("accounts are listed by id, each once, whatever the size of a page")
    func pages() async throws {
        try await AdminBench.with { bench in
            var opened: Set<String> = []
            for _ in 0..<7 { opened.insert(String(try await bench.open().suffix(36))) }
            var listed: [String] = []
            var query = "?limit=3"
            while true {
                let page = try await bench.ask(.get, "/admin/accounts" + query).json
                listed += page["accounts"]?.arrayValue?.compactMap { $0["account"]?.stringValue } ?? []
                guard let next = page["next"]?.stringValue else { break }
                query = "?limit=3&after=\(next)"
            }
            #expect(listed == opened.sorted())
        }
    }

    @Test("a renewal puts a period's allowance in the place of the one before, once, and leaves what was bought")
    func renewals() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            _ = try await bench.ask(.post, path + "/credits", #"{"amount":40,"reference":"a"}"#)
            let first = try await bench.ask(.post, path + "/renewals", #"{"period":"2027-01","allowance":100}"#)
            #expect(first.json["balance"] == 140, "\(first)")
            let second = try await bench.ask(times: 16, .post, path + "/renewals", #"{"period":"2027-02"}"#)
            #expect(second.count { $0.status == 201 } == 1)
            #expect(second.allSatisfy { $0.json["balance"] == 11_369 }, "\(second[0])")
            let late = try await bench.ask(.post, path + "/renewals", #"{"period":"2027-01","allowance":9}"#)
            #expect(late.status == 200 && late.json["balance"] == 11_369)
            let free = try await bench.open("free")
            let refused = try await bench.ask(.post, free + "/renewals", #"{"period":"2027-01"}"#)
            #expect(refused.status == 400 && refused.code == "ALLOWANCE_REQUIRED" && refused.json["tier"] == "free")
        }
    }

    @Test("a low balance raises one alert for each time it falls below the threshold")
    func alerts() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let account = try bench.id(path)
            #expect(try await bench.ask(.put, path + "/alert", #"{"threshold":10}"#).status == 200)
            func standing() async throws -> Int? {
                try await bench.ask(.get, "/admin/alerts").json["alerts"]?.arrayValue?.count
            }
            #expect(try await standing() == 1)
            let added = try await bench.ask(.post, path + "/credits", #"{"amount":30,"reference":"a"}"#)
            #expect(try await standing() == 0)
            let pot = try #require(added.json["pot"]?["pot"]?.stringValue)
            for amount in [-15, -10, -2] {
                let body = #"{"pot":"\#(pot)","amount":\#(amount),"reason":"spent","corrects":1}"#
                #expect(try await bench.ask(.post, path + "/adjustments", body).status == 201)
            }
            let alert = try await bench.ask(.get, "/admin/alerts").json["alerts"]?.arrayValue?.first
            #expect(alert?["kind"] == "low_balance" && alert?["threshold"] == 10)
            #expect(alert?["balance"] == 3 && alert?["account"]?.stringValue == account.description)
            #expect(bench.notices.types == [.alertRaised, .alertRaised])
            #expect(try await bench.ask(.delete, path + "/alert").json["account"]?["alertThreshold"] == .null)
            #expect(try await standing() == 0)
        }
    }

    @Test("a model that is switched off can't be run until it is on again, and the log says who did it")
    func models() async throws {
        try await AdminBench.with { bench in
            #expect(try await bench.runModel().status == 200)
            let off = try await bench.ask(.put, "/admin/models/echo", #"{"enabled":false}"#)
            #expect(off.status == 200 && off.json["model"]?["enabled"] == false, "\(off)")
            #expect(try await bench.runModel().code == "MODEL_NOT_FOUND")
            #expect(try await bench.ask(.put, "/admin/models/echo", #"{"enabled":false}"#).status == 200)
            #expect(try await bench.ask(.put, "/admin/models/echo", #"{"enabled":true}"#).status == 200)
            #expect(try await bench.runModel().status == 200)
            #expect(try await bench.ask(.put, "/admin/models/none", #"{"enabled":true}"#).status == 404)
            let log = try await bench.ask(.get, "/admin/log").json["entries"]?.arrayValue ?? []
            #expect(log.compactMap { $0["action"]?.stringValue } == ["model.enabled", "model.disabled"])
            #expect(log.allSatisfy { $0["actor"] == "operator:environment" && $0["subject"] == "echo" })
            let listed = try await bench.ask(.get, "/admin/models").json["models"]?.arrayValue ?? []
            #expect(listed.count == 3 && listed.contains { $0["switchedBy"] == "operator:environment" })
            // Another process, which learns of it from the database.
            _ = try await bench.desk.setSwitch("echo", isEnabled: false, by: try #require(Actor("cli")))
            try await bench.desk.applySwitches()
            #expect(try await bench.runModel().code == "MODEL_NOT_FOUND")
            let changes = ["UPDATE ledger.operator_log SET actor = 'x'", "DELETE FROM ledger.operator_log"]
            for change in changes { await #expect(throws: (any Error).self) { try await psql(change) } }
        }
    }

    @Test("a request that is made again under its key changes nothing, also 64 at once; another one is refused")
    func keys() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let headers = [("authorization", "Bearer \(AdminBench.token)"), ("idempotency-key", "\"order-1\"")]
            let body = #"{"model":"echo","runs":3}"#
            let answers = try await bench.ask(times: 64, .post, path + "/grants", body, headers: headers)
            #expect(answers.allSatisfy { $0.status == 201 && $0.json["repeated"] == false })
            #expect(Set(answers.compactMap { $0.json["grant"]?["grant"]?.stringValue }).count == 1)
            let other = try await bench.ask(.post, path + "/grants", #"{"model":"echo","runs":4}"#, headers: headers)
            #expect(other.status == 422 && other.code == "IDEMPOTENCY_MISMATCH", "\(other)")
            // A refusal does not pin the key.
            let key = [headers[0], ("idempotency-key", "order-2")]
            let bad = try await bench.ask(
                .post,
                path + "/renewals",
                #"{"period":"1","allowance":1,"expiresAt":"2001-01-01T00:00:00Z"}"#,
                headers: key
            )
            #expect(bad.code == "EXPIRY_IN_PAST")
            let good = try await bench.ask(.post, path + "/renewals", #"{"period":"1","allowance":1}"#, headers: key)
            #expect(good.status == 201, "\(good)")
            let account = try await bench.ask(times: 8, .post, "/admin/accounts", #"{"tier":"pro"}"#, headers: key)
            #expect(Set(account.compactMap { $0.json["account"]?["account"]?.stringValue }).count == 1)
            let grants = try await bench.ask(.get, path).json["grants"]?.arrayValue?.count
            #expect(grants == 1)
        }
    }
}
