import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import TestSupport
import Testing

@Suite("Deciding and pricing again", .database(LedgerDatabase.template(journals: 3)))
struct RatingTests {
    /// The definitions in the repository: draft-image costs 4 credits an image at 1K there, flux-1-1-pro 9 a call.
    private static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("models").path

    /// A run of a model that was quoted and cost something, with what its price looked at.
    private func run(
        _ tenant: Tenant,
        _ store: LedgerStore,
        model: String,
        quote: Int64,
        cost: Int64,
        priced: [String: String] = [:],
        usage: [String: Int64] = [:]
    ) async throws {
        let terms = RunQuote(
            amount: Credits(whole: quote),
            priceVersion: "7",
            definitionVersion: 1,
            requiredTier: .pro,
            supportsAsync: false,
            deadlineSeconds: 60,
            unresolvedHoldSeconds: 60,
            unresolvedPolicy: .release,
            priced: priced
        )
        let execution = tenant.newExecution()
        let wish = AdmitRun(
            executionID: execution,
            keyID: tenant.key,
            model: model,
            inputsDigest: nil,
            preflight: .quoted(terms)
        )
        #expect(try await store.submit(tenant.command(.admitRun(wish))).admission != nil)
        let outcome = RunOutcome.succeeded(
            cost: Credits(whole: cost),
            providerCost: .zero,
            resultDigest: nil,
            durationMilliseconds: 1
        )
        let end = SettleRun(executionID: execution, outcome: outcome, providerRequestID: nil, usage: usage)
        #expect(try await store.submit(tenant.command(.settleRun(end))).settlement != nil)
    }

    @Test("another price book shows what each model and account would have been charged, and changes nothing")
    func rerates() async throws {
        try await AdminBench.with { bench in
            let (first, second) = (
                try await Tenant.open(in: bench.store, tier: .business, credits: Credits(whole: 500)),
                try await Tenant.open(in: bench.store, tier: .business, credits: Credits(whole: 500))
            )
            // Four images asked for at 1K; three came.
            let image = ["num_images": "4", "resolution": "1K"]
            try await run(
                first,
                bench.store,
                model: "draft-image",
                quote: 12,
                cost: 9,
                priced: image,
                usage: ["units": 3]
            )
            try await run(first, bench.store, model: "flux-1-1-pro", quote: 10, cost: 10)
            try await run(second, bench.store, model: "flux-1-1-pro", quote: 5, cost: 50)
            // No such model; nothing recorded of what the price looks at; a grant pays.
            try await run(second, bench.store, model: "painter", quote: 1, cost: 1)
            try await run(second, bench.store, model: "draft-image", quote: 1, cost: 1)
            try await bench.store.succeed(second.issueGrant(.runs(1), model: "flux-1-1-pro"))
            try await run(second, bench.store, model: "flux-1-1-pro", quote: 5, cost: 5)
            let before = try await psql("SELECT count(*), max(hash::text) FROM ledger.events")

            let arguments = ["rerate", "--models", Self.models, "--schema", "plan_b"]
            let report = try await Programs.json(arguments)
            #expect(report["total"]?["charged"]?.scalarText == "24")
            #expect(report["total"]?["rerated"]?.scalarText == "30")
            #expect(report["total"]?["difference"]?.scalarText == "6")
            #expect(report["total"]?["runs"] == 4 && report["total"]?["unrated"] == 2)
            let models = try await psql(
                "SELECT model, runs, unrated, charged, rerated, difference FROM plan_b.by_model ORDER BY model"
            )
            #expect(
                models == """
                    draft-image\t1\t1\t9000000\t12000000\t3000000
                    flux-1-1-pro\t3\t0\t15000000\t18000000\t3000000
                    painter\t0\t1\t0\t0\t0
                    """
            )
            let account = try await psql(
                "SELECT difference FROM plan_b.by_account WHERE account_id = '\(first.account)'"
            )
            #expect(account == "2000000")
            let problems = try await psql("SELECT problem FROM plan_b.runs WHERE problem IS NOT NULL ORDER BY 1")
            #expect(problems.contains("no such model") && problems.contains("looks at"))
            #expect(try await psql("SELECT count(*), max(hash::text) FROM ledger.events") == before)
        }
    }

    @Test("a rating takes no name that is another's, and replaces its own only when told to")
    func schemas() async throws {
        try await AdminBench.with { _ in
            func exitCode(_ schema: String, _ more: String...) async throws -> Int32? {
                try await Programs.run(["rerate", "--models", Self.models, "--schema", schema] + more).exitCode
            }
            #expect(try await exitCode("plan_b") == 0)
            #expect(try await exitCode("plan_b") == 1)
            #expect(try await exitCode("plan_b", "--replace") == 0)
            for name in ["ledger", "pg_x", "a;b", "public"] { #expect(try await exitCode(name) == 64, "\(name)") }
            try await psql("CREATE SCHEMA mine")
            #expect(try await exitCode("mine", "--replace") == 1)
        }
    }

    @Test("a recorded verdict that was turned around is told with its event, by the program")
    func decides() async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            let history = try await History.make(in: store, clock: clock, tenantCount: 1)
            let tenant = try #require(history.tenants.first)
            let priced = ["num_images": "4"]
            _ = try await store.submit(tenant.command(.changeTier(.business)))
            try await run(
                tenant,
                store,
                model: "dancer",
                quote: 2,
                cost: 1,
                priced: priced,
                usage: ["units": 1]
            )
            let clean = try await Programs.json(["replay", "--decisions"])
            #expect(clean["clean"] == true && clean["verdicts"]?["grant.refused"] == 1, "\(clean)")
            let last = try #require(try await store.allEvents(of: tenant.account).last)
            try await tamper(
                """
                UPDATE ledger.events SET amount = amount + 1
                WHERE journal = \(last.journal) AND position = \(last.position)
                """
            )
            let found = try await Programs.run(["replay", "--decisions", "--json"])
            #expect(found.exitCode == 1)
            let finding = try JSONValue(text: found.output)["findings"]?.arrayValue?.first
            #expect(finding?["position"] == .integer(last.position), "\(found.output)")
            #expect(finding?["account"]?.stringValue == tenant.account.description)
            #expect(finding?["message"]?.stringValue?.contains("amount") == true, "\(found.output)")
        }
    }
}
