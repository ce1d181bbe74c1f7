import App
import HTTPTypes
import HummingbirdTesting
import Ledger
import LedgerStore
import LedgerTestSupport
import NIOCore
import Registry
import RunTestSupport
import Runs
import TestSupport
import Testing

/// Goal: what accounts have in common of workflows, which is templates and names, is as the contract says for each of them,
/// whatever they do at the same moment.
@Suite("Workflows of several accounts", .gated, .database(LedgerDatabase.template(journals: 4)))
struct WorkflowSharingTests {
    /// Another Pro account that may do everything with workflows, in a journal that the bench's is not in.
    private static func stranger(_ bench: AsyncBench) async throws -> (tenant: Tenant, key: String, keyID: KeyID) {
        let number = (bench.store.journal(of: bench.account).number + 1) % 4
        let tenant = try await Tenant.open(in: bench.store, tier: .enterprise, journal: JournalID(number))
        let secret = APIKeySecret(keyID: KeyID(FreshID.bits(in: tenant.journal)))
        let key = IssueKey(
            keyID: secret.keyID,
            name: "stranger",
            secretDigest: secret.digest,
            capabilities: AsyncBench.workflowCapabilities.compactMap { Capability($0) }
        )
        try await bench.store.succeed(tenant.command(.issueKey(key)))
        return (tenant, secret.text, secret.keyID)
    }

    private static func template(_ more: String) -> String {
        """
        {"name":"Sea tale","folderId":"f1","nodes":[
        {"id":"a","type":"model","data":{"model":"text","inputs":{"prompt":"the sea"}}},
        {"id":"out","type":"responseOutput"}],"edges":[{"id":"1","source":"a","target":"out"}]\(more)}
        """
    }

    @Test("everybody sees, reads and copies a template, and only its owner runs, changes or hides it")
    func templates() async throws {
        try await AsyncBench.withWorkflows { bench in
            let service = try bench.workflowService()
            let other = try await Self.stranger(bench)
            func ask(_ path: String, _ method: HTTPRequest.Method = .get, _ body: String = "") async throws
                -> TestResponse
            {
                try await bench.answer(service, "/api/workflows\(path)", method, key: other.key, body: body)
            }
            func own(_ path: String, _ method: HTTPRequest.Method, _ body: String) async throws -> TestResponse {
                try await bench.answer(service, "/api/workflows\(path)", method, body: body)
            }
            let shown = Self.template(#","isTemplate":true,"publicPlayground":true"#)
            #expect(try await own("", .post, shown).status == .created)
            #expect(try await own("", .post, #"{"name":"Mine alone"}"#).status == .created)
            #expect(try await ask("", .post, #"{"name":"Other"}"#).status == .created)

            let list = try #require(try await ask("").json.arrayValue)
            #expect(list.map { $0["slug"] } == ["other", "sea-tale"])
            #expect(list[1]["createdBy"] == .string("u_\(bench.account)"))
            #expect(list[1]["isTemplate"] == true && list[1]["folderId"] == .null)
            #expect(list[1]["estimatedCreditCost"] == 3)
            #expect(try await ask("/sea-tale/schema").json["estimatedCreditCost"] == 3)
            #expect(try await ask("/mine-alone").summary == "404 WORKFLOW_NOT_FOUND")
            let seen = try await ask("/sea-tale")
            #expect(try seen.json["createdBy"] == list[1]["createdBy"] && seen.json["nodes"]?.arrayValue?.count == 2)
            for (path, method) in [
                ("/sea-tale", HTTPRequest.Method.put), ("/sea-tale", .delete), ("/sea-tale/run", .post),
            ] {
                let body = #"{"name":"x","inputs":{}}"#
                #expect(try await ask(path, method, body).summary == "404 WORKFLOW_NOT_FOUND", "\(method) \(path)")
            }
            // The copy is the copier's own, who has not shown it to anybody.
            let copy = try await ask("", .post, String(buffer: seen.body)).json
            #expect(copy["slug"] == "sea-tale-2")
            #expect(copy["createdBy"] == .string("u_\(other.tenant.account)"))
            #expect(try await ask("/sea-tale/public-schema").status == .ok)
            #expect(try await ask("/sea-tale-2/public-schema").summary == "404 WORKFLOW_NOT_FOUND")
            let slugs = try await bench.answer(service, "/api/workflows").json.arrayValue?.map { $0["slug"] }
            #expect(slugs == ["mine-alone", "sea-tale"])

            for flag in ["hidden", "archived"] {
                let put = try await own("/sea-tale", .put, Self.template(#","isTemplate":true,"\#(flag)":true"#))
                #expect(put.status == .ok)
                #expect(try await ask("/sea-tale").summary == "404 WORKFLOW_NOT_FOUND", "\(flag)")
                #expect(try await ask("").json.arrayValue?.count == 2, "\(flag)")
            }
            #expect(try await own("/sea-tale", .put, shown).status == .ok)
            for isApproved in [false, true] {
                try await bench.store.administer(.setApproval(isApproved), of: bench.account)
                for path in ["/sea-tale", "/sea-tale/public-schema"] {
                    #expect(try await ask(path).status == (isApproved ? .ok : .notFound), "\(path) \(isApproved)")
                }
            }
            try await bench.store.administer(.closeAccount, of: bench.account)
            #expect(try await ask("/sea-tale/public-schema").summary == "404 WORKFLOW_NOT_FOUND")
            #expect(try await ask("/sea-tale").summary == "404 WORKFLOW_NOT_FOUND")
            #expect(try await ask("").json.arrayValue?.count == 2)
        }
    }

    @Test(
        "a template is refused that is too large or whose flags are no flags, and a list has a bounded number of them"
    )
    func templateLimits() async throws {
        try await AsyncBench.withWorkflows { bench in
            let service = try bench.workflowService()
            let other = try await Self.stranger(bench)
            let wrong = try await bench.answer(
                service,
                "/api/workflows",
                .post,
                body: Self.template(#","isTemplate":"yes","hidden":1,"archived":null"#)
            )
            #expect(try wrong.summary == "400 INVALID_WORKFLOW")
            #expect(try wrong.json["issues"]?.arrayValue?.map { $0["path"] } == ["/isTemplate", "/hidden"])
            let text = String(repeating: "x", count: 1 << 16)
            let large = #","isTemplate":true,"note":"\#(text)""#
            let tooLarge = try await bench.answer(service, "/api/workflows", .post, body: Self.template(large))
            #expect(
                try tooLarge.json["issues"]?.arrayValue?.first?["message"]
                    == "is larger than 65536 bytes, the most that a template may have"
            )
            let hidden = try await bench.answer(
                service,
                "/api/workflows",
                .post,
                body: Self.template(large + #","hidden":true"#)
            )
            #expect(hidden.status == .created)
            #expect(try await count("SELECT count(*) FROM ledger.workflows") == 1)
            for _ in 0..<12 {
                let body = Self.template(#","isTemplate":true"#)
                #expect(try await bench.answer(service, "/api/workflows", .post, body: body).status == .created)
            }
            let seen = try await bench.answer(service, "/api/workflows", key: other.key).json.arrayValue ?? []
            // The latest ten of one account.
            #expect(seen.map { $0["slug"] } == (4...13).reversed().map { .string("sea-tale-\($0)") })
            // What no list has is there for whoever knows it.
            #expect(try await bench.answer(service, "/api/workflows/sea-tale-2", key: other.key).status == .ok)
        }
    }

    @Test("a save is answered as the workflow is read then, and its repetition to the byte")
    func answers() async throws {
        try await AsyncBench.withWorkflows { bench in
            let service = try bench.workflowService()
            let headers = [("Idempotency-Key", "k")]
            let body = Self.template(#","color":"blue""#)
            let made = try await bench.answer(service, "/api/workflows", .post, headers: headers, body: body)
            #expect(made.status == .created)
            let read = try await bench.answer(service, "/api/workflows/sea-tale")
            #expect(try made.json == read.json.adding("success", true))
            #expect(try read.json["createdAt"]?.stringValue.flatMap { Timestamp(rfc3339: $0) } != nil)
            let put = try await bench.answer(service, "/api/workflows/sea-tale", .put, body: String(buffer: read.body))
            let later = try await bench.answer(service, "/api/workflows/sea-tale").json
            #expect(try put.json == later.adding("success", true))
            #expect(later["version"] == 2)
            #expect(try later["createdAt"] == made.json["createdAt"])
            #expect(try later["updatedAt"] != made.json["updatedAt"])
            let again = try await bench.answer(
                try bench.workflowService(2),
                "/api/workflows",
                .post,
                headers: headers,
                body: body
            )
            #expect(again.body == made.body)
            #expect(again.headers.contains { $0.name.rawName == "Idempotency-Replayed" })
            #expect(try await count("SELECT count(*) FROM ledger.workflows") == 1)
        }
    }

    @Test("of two journals that want a slug at once one gets it, and all who want a name at once get one of its slugs")
    func names() async throws {
        try await AsyncBench.withWorkflows { bench in
            let other = try await Self.stranger(bench)
            let store = bench.store
            #expect(other.tenant.journal != store.journal(of: bench.account))
            for round in 0..<10 {
                func take(_ account: AccountID, _ key: KeyID) async throws -> Verdict {
                    let wish = SaveWorkflow(keyID: key, slug: "race-\(round)", version: 1, document: #"{"name":"r"}"#)
                    let id = CommandID(FreshID.bits(in: store.journal(of: account)))
                    return try await store.submit(Command(id: id, accountID: account, action: .saveWorkflow(wish)))
                }
                async let first = take(bench.account, bench.secret.keyID)
                async let second = take(other.tenant.account, other.keyID)
                let verdicts = try await [first, second]
                let winners = verdicts.map { if case .saved = $0 { true } else { false } }
                #expect(winners.count { $0 } == 1, "\(verdicts)")
                let loser = verdicts[winners[0] ? 1 : 0]
                #expect(loser.refusal == .workflowSlugTaken)
                let owner = winners[0] ? bench.account : other.tenant.account
                #expect(try await store.readSlugs(["race-\(round)"]) == ["race-\(round)": owner])
            }

            // As many as a process has at a time, half of each account, by two services.
            let services = [try bench.workflowService(1), try bench.workflowService(2)]
            let slugs = try await withThrowingTaskGroup(of: TestResponse.self) { group in
                for number in 0..<48 {
                    group.addTask {
                        try await bench.answer(
                            services[number % 2],
                            "/api/workflows",
                            .post,
                            key: number % 2 == 0 ? bench.secret.text : other.key,
                            body: #"{"name":"Race of names"}"#
                        )
                    }
                }
                var slugs: Set<String> = []
                for try await answer in group {
                    #expect(answer.status == .created, "\(String(buffer: answer.body))")
                    slugs.insert(try answer.json["slug"]?.stringValue ?? "")
                }
                return slugs
            }
            #expect(slugs.count == 48)
            #expect(slugs.contains("race-of-names"))
            #expect(slugs.allSatisfy { $0.hasPrefix("race-of-names") })
        }
    }
}
