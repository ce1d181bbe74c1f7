import Ledger
public import LedgerStore

/// A history in which every projection has rows of every kind, and nearly every type of event occurs.
public struct History: Sendable {
    /// Its accounts.
    public private(set) var tenants: [Tenant] = []

    /// Gives a store with a clock a history.
    ///
    /// - Parameters:
    ///   - store: an empty ledger's.
    ///   - clock: the clock that it records by; moved on between the commands.
    ///   - tenantCount: how many accounts to give one.
    public static func make(in store: LedgerStore, clock: TestClock, tenantCount: Int = 2) async throws -> History {
        var history = History()
        for index in 0..<tenantCount {
            let tenant = try await Tenant.open(in: store, tier: .business)
            history.tenants.append(tenant)
            try await fund(tenant, store, clock, index)
            try await run(tenant, store, clock)
            try await runWorkflow(tenant, store, clock, index)
            try await administer(tenant, store)
        }
        return history
    }

    private static func fund(_ tenant: Tenant, _ store: LedgerStore, _ clock: TestClock, _ index: Int) async throws {
        let short = PotID(FreshID.bits())
        try await store.succeed(
            tenant.addCredits(Credits(whole: 3), pot: short, kind: .plan, expiresAt: clock.now.adding(seconds: 500))
        )
        try await store.succeed(tenant.addCredits(Credits(whole: 20), reference: "invoice \(index)"))
        let adjustment = AdjustCredits(
            potID: short,
            amount: Credits(microcredits: -250_000),
            reason: "added too much",
            correctsSequence: 3
        )
        try await store.succeed(tenant.command(.adjustCredits(adjustment)))
        try await store.succeed(tenant.issueGrant(.runs(2), model: "writer"))
        try await store.succeed(tenant.issueGrant(.window(seconds: 3_600), model: "singer"))
        clock.advance(seconds: 7)
    }

    private static func run(_ tenant: Tenant, _ store: LedgerStore, _ clock: TestClock) async throws {
        for turn in 0..<6 {
            let execution = tenant.newExecution()
            _ = try await store.submit(
                tenant.admit(
                    execution,
                    model: turn == 5 ? "singer" : "painter",
                    quote: Credits(microcredits: 1_100_000),
                    policy: turn == 2 ? .charge : .release
                )
            )
            clock.advance(seconds: 1)
            let submission = RecordSubmission(executionID: execution, providerRequestID: "job-\(turn)")
            switch turn {
            case 0: _ = try await store.submit(tenant.succeed(execution, cost: Credits(microcredits: 700_000)))
            case 1: _ = try await store.submit(tenant.fail(execution))
            case 2: _ = try await store.submit(tenant.settle(execution, .unresolved(reason: "connection lost")))
            case 3: _ = try await store.submit(tenant.command(.recordSubmission(submission)))
            case 4: _ = try await store.submit(tenant.succeed(execution, cost: Credits(microcredits: 1_500_000)))
            default: break
            }
            clock.advance(seconds: 5)
        }
        // One grant run used, one on hold, and a third refused.
        let used = tenant.newExecution()
        _ = try await store.submit(tenant.admit(used, model: "writer"))
        _ = try await store.submit(tenant.succeed(used, cost: .zero))
        for _ in 0..<2 { _ = try await store.submit(tenant.admit(model: "writer")) }
        // The pot that expires first has, and what is left is not enough.
        clock.advance(seconds: 600)
        _ = try await store.submit(tenant.admit(quote: Credits(whole: 100)))
    }

    /// A workflow that is saved twice, and a run of it whose one node has succeeded.
    private static func runWorkflow(
        _ tenant: Tenant,
        _ store: LedgerStore,
        _ clock: TestClock,
        _ index: Int
    ) async throws {
        let key = KeyID(FreshID.bits(in: tenant.journal))
        let capabilities: [Capability] = [.runWorkflows, .writeWorkflows]
        let issue = IssueKey(keyID: key, name: "flows", secretDigest: Digest(of: [3]), capabilities: capabilities)
        try await store.succeed(tenant.command(.issueKey(issue)))
        let slug = "flow-\(index)-\(tenant.account.description.suffix(12))"
        for version in Int32(1)...2 {
            let document = #"{"name":"Flow \#(version)"}"#
            let wish = SaveWorkflow(keyID: key, slug: slug, version: version, document: document)
            try await store.succeed(tenant.command(.saveWorkflow(wish)))
        }
        let run = tenant.newExecution()
        let place = NodePlace(run: run, node: "paint")
        let quote = RunQuote(
            amount: Credits(microcredits: 400_000),
            priceVersion: "1",
            definitionVersion: 2,
            requiredTier: .free,
            supportsAsync: true,
            deadlineSeconds: 60,
            unresolvedHoldSeconds: 60,
            unresolvedPolicy: .release
        )
        for (id, model, part) in [
            (run, WorkflowName.of(slug), WorkflowPart.whole([NodeQuote(model: "painter", amount: quote.amount)])),
            (place.executionID, "painter", .node(place)),
        ] {
            let admission = AdmitRun(
                executionID: id,
                keyID: key,
                route: .workflowRun,
                model: model,
                inputsDigest: nil,
                preflight: .quoted(quote),
                part: part
            )
            _ = try await store.submit(tenant.command(.admitRun(admission)))
        }
        clock.advance(seconds: 1)
        let cost = Credits(microcredits: 300_000)
        _ = try await store.submit(tenant.succeed(place.executionID, cost: cost))
        _ = try await store.submit(tenant.succeed(run, cost: cost))
    }

    private static func administer(_ tenant: Tenant, _ store: LedgerStore) async throws {
        let rules = AutoTopUp.Rules(threshold: Credits(whole: 1_000), amount: Credits(whole: 10))
        try await store.succeed(tenant.command(.setTopUpRules(rules)))
        try await store.succeed(tenant.command(.startTopUp(PotID(FreshID.bits()))))
        let second = KeyID(FreshID.bits(in: tenant.journal))
        try await store.succeed(tenant.issueKey(second, name: "second"))
        try await store.succeed(tenant.command(.revokeKey(second)))
        let grant = GrantID(FreshID.bits())
        try await store.succeed(tenant.issueGrant(.runs(5), model: "dancer", grant: grant))
        try await store.succeed(tenant.command(.revokeGrant(grant)))
        try await store.succeed(tenant.command(.changeTier(.pro)))
    }
}
