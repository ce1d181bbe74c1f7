import Egress
import Ledger
import LedgerStore
import LedgerTestSupport
import Logging
import NetworkTestSupport
import Registry
import Runs
import Synchronization
import TestSupport
import Testing

@testable import Webhooks

/// A ledger with one account whose key may receive, and workers whose clock can be set ahead.
struct Bench: Sendable {
    let store: LedgerStore
    let tenant: Tenant
    let desk: WebhookDesk
    let clock: ShiftedClock

    /// Gives a body a bench on the test's database.
    static func with(
        capabilities: [String] = ["model:run", "webhook:receive"],
        _ body: (Bench) async throws -> Void
    ) async throws {
        try await withStore { store in
            let tenant = Tenant(in: store)
            let clock = ShiftedClock()
            try await store.succeed(tenant.command(.openAccount(OpenAccount(tier: .enterprise))))
            try await store.succeed(tenant.issueKey(tenant.key, capabilities: capabilities))
            try await store.succeed(tenant.addCredits(Credits(whole: 1_000_000)))
            let desk = WebhookDesk(store: store, client: EgressClient(policy: .withLoopback), clock: { clock.now })
            try await body(Bench(store: store, tenant: tenant, desk: desk, clock: clock))
        }
    }

    func worker(policy: EgressPolicy = .withLoopback, timeout: Duration = .seconds(15)) -> WebhookWorker {
        var options = WebhookWorker.Options()
        options.timeout = timeout
        let clock = clock
        return WebhookWorker(
            store: store,
            instance: 1,
            client: EgressClient(policy: policy),
            clock: { clock.now },
            logger: Logger(label: "webhooks") { _ in SwiftLogNoOpLogHandler() },
            options: options
        )
    }

    /// Asks for a test under the same key many times at once; the deliveries that it led to.
    func testWebhook(times count: Int, for request: Digest) async throws -> Set<Identifier128> {
        try await withThrowingTaskGroup(of: Identifier128.self) { group in
            for _ in 0..<count {
                group.addTask { try await desk.testWebhook(of: tenant.key, for: request) }
            }
            return try await group.reduce(into: Set<Identifier128>()) { $0.insert($1) }
        }
    }

    /// Works until there is nothing to do.
    func work(_ worker: WebhookWorker? = nil) async {
        let worker = worker ?? self.worker()
        while await worker.turn() {}
    }

    /// Admits a run; nothing ends it.
    func begin(isAsync: Bool = true, key: KeyID? = nil) async throws -> ExecutionID {
        let id = tenant.newExecution()
        let terms = RunQuote(
            amount: Credits(whole: 5),
            priceVersion: "2026-01",
            definitionVersion: 1,
            requiredTier: .pro,
            supportsAsync: true,
            deadlineSeconds: 300,
            unresolvedHoldSeconds: 86_400,
            unresolvedPolicy: .release
        )
        let admit = AdmitRun(
            executionID: id,
            keyID: key ?? tenant.key,
            model: "painter",
            inputsDigest: Digest(of: [3]),
            preflight: .quoted(terms),
            isAsync: isAsync
        )
        let verdict = try await store.submit(tenant.command(.admitRun(admit)))
        try #require(verdict.admission != nil, "\(verdict)")
        return id
    }

    /// Ends a run.
    func end(_ id: ExecutionID, _ outcome: RunOutcome = success, _ report: RunReport = succeeded) async throws {
        let settle = SettleRun(
            executionID: id,
            outcome: outcome,
            providerRequestID: "kie_1",
            report: report,
            task: .none
        )
        _ = try await store.submit(tenant.command(.settleRun(settle)))
    }

    /// Where the end of a run is reported to.
    func destination(
        of run: ExecutionID,
        within time: Duration = .seconds(30)
    ) async throws -> ReportDestination {
        let execution = try #require(try await store.execution(run, of: tenant.account))
        return await desk.destination(of: run, key: tenant.key, admittedAt: execution.admittedAt, within: time)
    }

    static let success = RunOutcome.succeeded(
        cost: Credits(whole: 3),
        providerCost: MicroUSD(microdollars: 1),
        resultDigest: Digest(of: [4]),
        durationMilliseconds: 17
    )
    static let succeeded = RunReport(result: #"{"images":["https://x/1.png"]}"#, errorMessage: nil, milliseconds: 17)
}

extension Tenant {
    func issueKey(_ key: KeyID, capabilities: [String]) -> Command {
        let parsed = capabilities.compactMap { Capability($0) }
        return command(
            .issueKey(IssueKey(keyID: key, name: "test", secretDigest: Digest(of: [1, 2]), capabilities: parsed))
        )
    }
}

/// The time now, and as much later as a test says.
final class ShiftedClock: Sendable {
    private let seconds = Atomic<Int64>(0)
    var now: Timestamp { SystemClock.now().adding(seconds: seconds.load(ordering: .relaxed)) }
    func advance(seconds more: Int64) { seconds.wrappingAdd(more, ordering: .relaxed) }
}
