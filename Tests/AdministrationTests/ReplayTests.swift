import HTTPTypes
import Ledger
import LedgerTestSupport
import Registry
import TestSupport
import Testing

/// Goal: a request of an operator is carried out once and answered alike however often it is made, and a secret that it
/// shows is nowhere but in its answers. Method: each kind of request 64 times at once, and again when the account is
/// closed.
@Suite("Requests that operators make again", .database(LedgerDatabase.template(journals: 3)))
struct ReplayTests {
    private struct Wish {
        let name: String
        let path: String
        let body: String
        var token = AdminBench.token

        var headers: [(String, String)] {
            [("authorization", "Bearer \(token)"), ("Idempotency-Key", "key-of-\(name)")]
        }
    }

    /// Every kind; what closes the account comes last.
    private static func wishes(_ path: String, pot: String) -> [Wish] {
        let account = path.suffix(36)
        return [
            Wish(name: "account", path: "/admin/accounts", body: #"{"tier":"pro","approved":true}"#),
            Wish(name: "credits", path: path + "/credits", body: #"{"amount":5,"reference":"r"}"#),
            Wish(
                name: "correction",
                path: path + "/adjustments",
                body: #"{"pot":"\#(pot)","amount":-1,"reason":"typo","corrects":2}"#
            ),
            Wish(name: "renewal", path: path + "/renewals", body: #"{"period":"2026-01","allowance":7}"#),
            Wish(name: "grant", path: path + "/grants", body: #"{"model":"echo","runs":3}"#),
            Wish(name: "key", path: path + "/keys", body: #"{"name":"k","capabilities":["model:run"]}"#),
            Wish(
                name: "key-of-old",
                path: "/api/api-keys?account=u_\(account)",
                body: #"{"name":"l","preset":"workflow-deploy"}"#
            ),
            Wish(name: "operator", path: "/admin/operators", body: #"{"name":"ann","role":"finance"}"#),
            Wish(name: "close", path: path + "/close", body: ""),
        ]
    }

    /// What there is: events, and entries of the operators' log.
    private static func count() async throws -> String {
        try await psql("SELECT (SELECT count(*) FROM ledger.events), (SELECT count(*) FROM ledger.operator_log)")
    }

    @Test("each kind of request is carried out once, 64 at once, and is answered with the same bytes for ever after")
    func replay() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let filled = try await bench.ask(.post, path + "/credits", #"{"amount":10,"reference":"first"}"#)
            let pot = try #require(filled.json["pot"]?["pot"]?.stringValue)
            let wishes = Self.wishes(path, pot: pot)
            var answers: [String] = []
            var secrets: [String] = []
            for wish in wishes {
                let before = try await Self.count()
                let all = try await bench.ask(times: 64, .post, wish.path, wish.body, headers: wish.headers)
                let first = try #require(all.first)
                #expect([200, 201].contains(first.status), "\(wish.name): \(first)")
                #expect(Set(all.map(Self.whole)).count == 1, "\(wish.name)")
                #expect(all.count { $0.headers[.replayed] == "true" } == 63, "\(wish.name)")
                #expect(try await Self.count() != before, "\(wish.name)")
                answers.append(Self.whole(first))
                secrets += ["key", "token"].compactMap { first.json[$0]?.stringValue }
            }
            let after = try await Self.count()
            for (wish, answer) in zip(wishes, answers) {
                let again = try await bench.ask(.post, wish.path, wish.body, headers: wish.headers)
                #expect(Self.whole(again) == answer, "\(wish.name)")
                #expect(again.headers[.replayed] == "true", "\(wish.name)")
                let other = try await bench.ask(.post, wish.path, #"{"other":1}"#, headers: wish.headers)
                #expect([400, 409, 422].contains(other.status), "\(wish.name): \(other)")
            }
            // Of the refusals, only that of a key is recorded; nothing else has come of any of these.
            let reused = try await psql("SELECT count(*) FROM ledger.events WHERE type = 'request.refused'")
            #expect(try await Self.count() == after || reused != "0")
            #expect(secrets.count == 3)
            for secret in secrets {
                let places = try await psql(
                    """
                    SELECT count(*) FROM ledger.idempotency
                    WHERE position(convert_to('\(secret)', 'UTF8') in body) > 0
                    """
                )
                #expect(places == "0")
            }
        }
    }

    @Test("a secret is shown again to the token that asked for it only, and a refusal leaves the key free")
    func others() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let keys = "/api/api-keys?account=\(path.suffix(36))"
            func token(_ name: String, _ role: String) async throws -> String {
                let made = try await bench.ask(.post, "/admin/operators", #"{"name":"\#(name)","role":"\#(role)"}"#)
                return try #require(made.json["token"]?.stringValue)
            }
            func ask(_ method: HTTPRequest.Method, _ token: String, _ body: String = "") async throws
                -> AdminBench.Answer
            {
                let headers = [("authorization", "Bearer \(token)"), ("Idempotency-Key", "once")]
                return try await bench.ask(method, keys, body, headers: headers)
            }
            let (boss, looker) = (try await token("boss", "admin"), try await token("looker", "finance"))
            let wish = #"{"name":"k","capabilities":["model:run"]}"#
            #expect(
                try await ask(.post, boss, #"{"name":"k","capabilities":["model:fly"]}"#).code == "INVALID_CAPABILITY"
            )
            let refused = try await ask(.post, looker, wish)
            #expect(refused.status == 403 && refused.code == "OPERATOR_ROLE_DENIED", "\(refused)")
            #expect(refused.json["role"] == "finance" && refused.json["required"] == "admin")
            let made = try await ask(.post, boss, wish)
            #expect(made.status == 201, "\(made)")
            #expect(try await ask(.post, boss, wish).text == made.text)
            let other = try await ask(.post, AdminBench.token, wish)
            #expect(other.status == 422 && other.code == "IDEMPOTENCY_MISMATCH", "\(other)")

            // Every operator may look; one who may change things takes a key away, and events say who.
            let listed = try await ask(.get, looker)
            let id = try #require(listed.json["keys"]?.arrayValue?.first?["id"]?.stringValue)
            let gone = [("authorization", "Bearer \(boss)")]
            let denied = [("authorization", "Bearer \(looker)")]
            #expect(try await bench.ask(.delete, "\(path)/keys/\(id)", headers: denied).code == "OPERATOR_ROLE_DENIED")
            #expect(try await bench.ask(.delete, "\(path)/keys/\(id)", headers: gone).status == 204)
            #expect(try await bench.ask(.get, "\(path)/keys").json["keys"]?.arrayValue?.first?["revoked"] == true)
            let events = try await bench.ask(.get, path + "/events").json["events"]?.arrayValue ?? []
            let keyEvents = events.filter { $0["type"]?.stringValue?.hasPrefix("key.") == true }
            #expect(keyEvents.map { $0["type"] } == ["key.issued", "key.revoked"])
            #expect(keyEvents.allSatisfy { $0["actor"] == "operator:boss" })
            let digit = path.hasSuffix("0") ? "1" : "0"
            let stranger = try await bench.ask(.get, "/admin/accounts/\(path.suffix(36).dropLast())\(digit)/keys")
            #expect(stranger.status == 404 && stranger.code == "ACCOUNT_NOT_FOUND", "\(stranger)")
            let long = #"{"name":"\#(String(repeating: "x", count: 1 << 14))"}"#
            let large = try await bench.ask(.post, "\(path)/keys", long)
            #expect(large.status == 413 && large.json["limit"] == 16_384, "\(large)")
            #expect(large.json["error"] == "The body is larger than 16,384 bytes")
        }
    }

    /// Status, id of the request, and body.
    private static func whole(_ answer: AdminBench.Answer) -> String {
        "\(answer.status) \(answer.headers[.requestID] ?? "") \(answer.text)"
    }
}

extension HTTPField.Name {
    fileprivate static let replayed = HTTPField.Name("Idempotency-Replayed")!
    fileprivate static let requestID = HTTPField.Name("X-Request-Id")!
}
