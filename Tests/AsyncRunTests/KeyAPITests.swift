import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import RunTestSupport
import Runs
import TestSupport
import Testing

/// Keys over the wire, on a real ledger: issued, listed, used, revoked, and every way to be refused one.
@Suite("The API of keys", .gated, .database(LedgerDatabase.template(journals: 4)))
struct KeyAPITests {
    private typealias Reply = APIProcess.Reply

    @Test("a key is shown once, runs what it may, is listed with its last use, and ends at once")
    func life() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.business)
            let path = "/api/api-keys?account=u_\(account)"
            let wish = #"{"name":"worker","capabilities":["model:echo:run","execution:read","model:echo:run"]}"#
            let made = try await api.send(.post, path, as: .admin, body: wish)
            let id = try #require(made.json["id"]?.stringValue)
            let key = try #require(made.json["key"]?.stringValue)
            #expect(APIKeySecret(key)?.keyID.description == id)
            #expect(
                made.line
                    == #"201 {"success":true,"id":"\#(id)","key":"\#(key)","name":"worker","#
                    + #""capabilities":["model:echo:run","execution:read"]}"#
            )
            #expect(made.header("Cache-Control") == "no-store")
            func listed(lastUsed: String, revoked: String) -> String {
                #"200 {"success":true,"keys":[{"capabilities":["model:echo:run","execution:read"],"createdAt":"<time>","#
                    + #""id":"\#(id)","lastUsedAt":\#(lastUsed),"name":"worker",\#(revoked)}]}"#
            }
            let fresh = #""revoked":false,"revokedAt":null"#
            let before = try await api.send(.get, path, as: .admin)
            #expect(before.line == listed(lastUsed: "null", revoked: fresh))
            #expect(try await api.run(as: key).status == 200)
            #expect(try await api.run(as: key, "picture").json["required"] == "model:picture:run")
            #expect(try await api.uses.flush() == 1)
            #expect(try await api.uses.flush() == 0)
            let used = try await api.send(.get, path, as: .admin)
            #expect(used.line == listed(lastUsed: #""<time>""#, revoked: fresh))

            let end = try await api.send(.delete, "/api/api-keys/\(id)", as: .admin)
            #expect(end.line == "204 ")
            #expect(try await api.run(as: key).json["code"] == "UNAUTHORIZED")
            #expect(try await api.send(.delete, "/api/api-keys/\(id)", as: .admin).status == 204)
            let gone = try await api.send(.get, path, as: .admin)
            #expect(gone.line == listed(lastUsed: #""<time>""#, revoked: #""revoked":true,"revokedAt":"<time>""#))
            try await expectSound(store)
        }
    }

    @Test("a key that one process revokes is refused by another from its next admission on")
    func revokedElsewhere() async throws {
        try await withStore { store in
            try await withStore { other in
                let (here, there) = (try APIProcess(store), try APIProcess(other))
                let account = try await store.openAccount(.business)
                let key = try await here.issueKey(to: account, #"{"name":"k","capabilities":["model:run"]}"#)
                // Both know the key from now on.
                #expect(try await here.run(as: key.key).status == 200)
                #expect(try await there.run(as: key.key).status == 200)
                #expect(try await here.send(.delete, "/api/api-keys/\(key.id)", as: .admin).status == 204)
                for (method, path) in [("POST", "run"), ("GET", "whoami"), ("GET", "usage")] {
                    let reply =
                        method == "POST"
                        ? try await there.run(as: key.key)
                        : try await there.send(.get, "/api/\(path)", as: .key(key.key))
                    #expect(reply.status == 401 && reply.json["code"] == "UNAUTHORIZED", "\(path)")
                }
                #expect(there.provider.requests.count == 1)
            }
        }
    }

    @Test(
        "each preset gives its capabilities",
        arguments: [
            ("read-only", ["workflow:read"]), ("workflow-deploy", ["workflow:run", "workflow:read"]),
            ("webhook-receiver", ["webhook:receive"]),
            ("full-deploy", ["workflow:run", "workflow:read", "workflow:write"]),
        ]
    )
    func presets(name: String, capabilities: [String]) async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.pro)
            let path = "/api/api-keys?account=\(account)"
            let reply = try await api.send(.post, path, as: .admin, body: #"{"name":"k","preset":"\#(name)"}"#)
            #expect(reply.status == 201)
            #expect(reply.json["capabilities"] == .array(capabilities.map { .string($0) }))
        }
    }

    private static let grammar =
        "*, resource:*, resource:verb or resource:slug:verb is needed, of a resource and a verb that exist"
    private static let listNeeded = "a list of 1 to 100 capabilities is needed, or a preset"

    static let refusals: [(Tier, String, String)] = [
        (
            .pro, "[]",
            #"400 {"success":false,"error":"The body must be a JSON object","code":"INVALID_BODY","#
                + #""requestId":"<request>"}"#
        ),
        (
            .pro, #"{"name":"k","scope":1}"#,
            Reply.error(
                400,
                "INVALID_BODY",
                "scope: there is no such member; name, preset and capabilities are",
                #","field":"scope""#
            )
        ),
        (
            .pro, #"{"name":"","capabilities":["workflow:run"]}"#,
            Reply.error(
                400,
                "INVALID_NAME",
                "name: one line of 1 to 100 bytes is needed",
                #","field":"name","max":100"#
            )
        ),
        (
            .pro, #"{"name":"a\nb","preset":"read-only"}"#,
            Reply.error(
                400,
                "INVALID_NAME",
                "name: one line of 1 to 100 bytes is needed",
                #","field":"name","max":100"#
            )
        ),
        (
            .pro, #"{"name":"k"}"#,
            Reply.error(
                400,
                "INVALID_CAPABILITY",
                "capabilities: \(listNeeded)",
                #","field":"capabilities","max":100"#
            )
        ),
        (
            .pro, #"{"name":"k","preset":"custom","capabilities":[]}"#,
            Reply.error(
                400,
                "INVALID_CAPABILITY",
                "capabilities: \(listNeeded)",
                #","field":"capabilities","max":100"#
            )
        ),
        (
            .pro, #"{"name":"k","capabilities":["workflow:run","workflow:fly"]}"#,
            Reply.error(
                400,
                "INVALID_CAPABILITY",
                "capabilities/1: \(grammar)",
                #","field":"capabilities/1","attempted":"workflow:fly""#
            )
        ),
        (
            .business, #"{"name":"k","capabilities":["model:No Slug:run"]}"#,
            Reply.error(
                400,
                "INVALID_CAPABILITY",
                "capabilities/0: \(grammar)",
                #","field":"capabilities/0","attempted":"model:No Slug:run""#
            )
        ),
        (
            .pro, #"{"name":"k","capabilities":[7]}"#,
            Reply.error(
                400,
                "INVALID_CAPABILITY",
                "capabilities/0: \(grammar)",
                #","field":"capabilities/0","attempted":null"#
            )
        ),
        (
            .pro, #"{"name":"k","preset":"root"}"#,
            Reply.error(
                400,
                "INVALID_PRESET",
                "preset: one of read-only, workflow-deploy, webhook-receiver, full-deploy, custom is needed",
                #","field":"preset","allowed":["read-only","workflow-deploy","webhook-receiver","full-deploy","custom"]"#
            )
        ),
        (
            .pro, #"{"name":"k","preset":"read-only","capabilities":["workflow:run"]}"#,
            Reply.error(
                400,
                "INVALID_BODY",
                "capabilities: only the preset custom takes a list",
                #","field":"capabilities""#
            )
        ),
        (
            .pro, #"{"name":"k","capabilities":["workflow:run","model:echo:run"]}"#,
            Reply.error(
                403,
                "CAPABILITY_ABOVE_CEILING",
                "A key of the pro plan can't hold the capability model:echo:run",
                #","attempted":"model:echo:run","tier":"pro""#
            )
        ),
        (
            .enterprise, #"{"name":"k","capabilities":["*"]}"#,
            Reply.error(
                403,
                "CAPABILITY_ABOVE_CEILING",
                "A key of the enterprise plan can't hold the capability *",
                #","attempted":"*","tier":"enterprise""#
            )
        ),
        (
            .business, #"{"name":"k","capabilities":["model:*"]}"#,
            Reply.error(
                403,
                "CAPABILITY_ABOVE_CEILING",
                "A key of the business plan can't hold the capability model:*",
                #","attempted":"model:*","tier":"business""#
            )
        ),
        (
            .free, #"{"name":"k","preset":"read-only"}"#,
            Reply.error(
                403,
                "API_KEY_ACCESS_DENIED",
                "An account on the free plan can have no API keys",
                #","tier":"free""#
            )
        ),
        (
            .creator, #"{"name":"k","capabilities":["execution:read"]}"#,
            Reply.error(
                403,
                "API_KEY_ACCESS_DENIED",
                "An account on the creator plan can have no API keys",
                #","tier":"creator""#
            )
        ),
    ]

    @Test("what can't be had is refused by name and limit, and there is no key", arguments: refusals)
    func refused(tier: Tier, body: String, answer: String) async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(tier, credits: 0)
            let path = "/api/api-keys?account=\(account)"
            #expect(try await api.send(.post, path, as: .admin, body: body).line == answer)
            #expect(try await store.listKeys(of: account)?.isEmpty == true)
            #expect(try await store.allEvents(of: account).count == 1)
        }
    }

    @Test("every plan that has keys has the two for its own runs in its ceiling, and an admin has everything")
    func ceilings() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let wish = #"{"name":"k","capabilities":["execution:read","execution:cancel"]}"#
            for tier in [Tier.pro, .business, .enterprise] {
                _ = try await api.issueKey(to: try await store.openAccount(tier), wish)
            }
            let admin = try await store.openAccount(.free, role: .admin)
            _ = try await api.issueKey(to: admin, #"{"name":"k","capabilities":["*","workflow:*"]}"#)
        }
    }

    @Test("keys can't manage keys, and neither can anybody without the token")
    func apart() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.business, role: .admin)
            let key = try await api.issueKey(to: account, #"{"name":"k","capabilities":["*"]}"#)
            let path = "/api/api-keys?account=\(account)"
            for (method, uri) in [(.post, path), (.get, path), (.delete, "/api/api-keys/\(key.id)")]
                as [(HTTPRequest.Method, String)]
            {
                let refused = try await api.send(method, uri, as: .key(key.key))
                #expect(
                    refused.line == Reply.error(403, "API_KEY_NOT_ALLOWED", "An API key can't be used here")
                )
                let unknown = try await api.send(method, uri, as: .none)
                #expect(
                    unknown.line
                        == Reply.error(
                            401,
                            "UNAUTHORIZED",
                            "Unauthorized: send an operator's token as Authorization: Bearer"
                        )
                )
                #expect(unknown.header("WWW-Authenticate") == "Bearer")
            }
            #expect(try await api.run(as: key.key).status == 200)
        }
    }

    @Test("accounts and keys that are not there are named")
    func unknown() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.business)
            let other = try await store.openAccount(.business)
            let key = try await api.issueKey(to: account, #"{"name":"k","capabilities":["model:run"]}"#)
            let body = #"{"name":"k","preset":"read-only"}"#
            let nobody = AccountID(FreshID.bits())
            let missing = Reply.error(
                400,
                "INVALID_ACCOUNT",
                "account: the id of an account is needed, as whoami shows it",
                #","field":"account""#
            )
            let noAccount = Reply.error(404, "ACCOUNT_NOT_FOUND", "There is no account with this id")
            let noKey = Reply.error(404, "API_KEY_NOT_FOUND", "There is no active API key of this id")
            for query in ["", "?account=", "?account=u_", "?account=me"] {
                #expect(try await api.send(.get, "/api/api-keys\(query)", as: .admin).line == missing)
                #expect(try await api.send(.post, "/api/api-keys\(query)", as: .admin, body: body).line == missing)
            }
            let path = "/api/api-keys?account=\(nobody)"
            #expect(try await api.send(.get, path, as: .admin).line == noAccount)
            #expect(try await api.send(.post, path, as: .admin, body: body).line == noAccount)
            for id in ["x", "\(KeyID(FreshID.bits()))", "\(key.id)?account=\(other)"] {
                #expect(try await api.send(.delete, "/api/api-keys/\(id)", as: .admin).line == noKey)
            }
            #expect(try await api.run(as: key.key).status == 200)
            #expect(try await api.send(.put, "/api/api-keys", as: .admin).header("Allow") == "GET, HEAD, POST")

            try await store.administer(.closeAccount, of: account)
            let closed = Reply.error(409, "ACCOUNT_CLOSED", "The account is closed")
            #expect(
                try await api.send(.post, "/api/api-keys?account=\(account)", as: .admin, body: body).line == closed
            )
            #expect(try await api.send(.delete, "/api/api-keys/\(key.id)", as: .admin).line == closed)
        }
    }

    @Test("the last use that is kept is the latest, and none after a revocation")
    func lastUse() async throws {
        try await withStore { store in
            let api = try APIProcess(store)
            let account = try await store.openAccount(.business)
            var ids: [KeyID] = []
            for _ in 0..<2 {
                let key = try await api.issueKey(to: account, #"{"name":"k","capabilities":["model:run"]}"#)
                ids.append(try #require(KeyID(text: key.id)))
            }
            let now = SystemClock.now()
            let unknown = KeyID(FreshID.bits(in: JournalID(3)))
            try await store.putKeyUses([ids[0]: now, ids[1]: now, unknown: now])
            try await store.putKeyUses([ids[0]: now.adding(seconds: -5), ids[1]: now.adding(seconds: 5)])
            try await store.administer(.revokeKey(ids[1]), of: account)
            try await store.putKeyUses([ids[1]: SystemClock.now().adding(seconds: 9)])
            let keys = try #require(try await store.listKeys(of: account))
            #expect(keys.first { $0.key.id == ids[0] }?.lastUsedAt == now)
            #expect(keys.first { $0.key.id == ids[1] }?.lastUsedAt == now.adding(seconds: 5))
            #expect(try await count("SELECT count(*) FROM ledger.api_key_uses") == 2)
        }
    }
}
