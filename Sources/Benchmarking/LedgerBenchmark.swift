public import Ledger
public import LedgerStore
import Runs

/// Admits and settles runs as fast as the ledger lets it: full events, both commits durable.
public struct LedgerBenchmark: Sendable {
    /// How many runs are under way at any time.
    public let inFlight: Int
    /// How long to run.
    public let duration: Duration
    /// How many accounts share the load.
    public let accountCount: Int
    /// Their plan: a run of a Business account passes the limiter, of 1,000 a minute, and is six events; one of an
    /// Enterprise account has no limit, and is five.
    public let tier: Tier

    /// Makes a benchmark.
    public init(inFlight: Int, duration: Duration, accountCount: Int, tier: Tier) {
        self.inFlight = inFlight
        self.duration = duration
        self.accountCount = accountCount
        self.tier = tier
    }

    /// What was measured.
    public struct Report: Sendable {
        /// Runs admitted and settled.
        public var runs = 0
        /// Runs refused, which there should be none of.
        public var refused = 0
        /// What the first of them was told.
        public var firstRefusal: String?
        /// How long it took, in seconds.
        public var seconds = 0.0
        /// Time for one admission.
        public var admit = LatencyRecorder()
        /// Time for one settlement.
        public var settle = LatencyRecorder()
        /// Time for both commits of a run together.
        public var run = LatencyRecorder()
        /// Nothing measured.
        public init() {}
        /// Runs per second.
        public var runsPerSecond: Double { Double(runs) / seconds }
    }

    /// Accounts with a key and credits enough.
    public struct Tenant: Sendable {
        /// The account.
        public let account: AccountID
        let key: KeyID
    }

    /// Opens the accounts.
    public func openAccounts(
        in store: LedgerStore,
        clock: @escaping @Sendable () -> Timestamp
    ) async throws -> [Tenant] {
        try await withThrowingTaskGroup(of: Tenant.self) { group in
            for _ in 0..<accountCount {
                group.addTask {
                    let ids = IdentifierSource(clock: clock)
                    let account = AccountID(ids.next(in: JournalID(0)))
                    let journal = store.journal(of: account)
                    let key = KeyID(ids.next(in: journal))
                    let actions: [Command.Action] = [
                        .openAccount(OpenAccount(tier: tier)),
                        .issueKey(
                            IssueKey(
                                keyID: key,
                                name: "bench",
                                secretDigest: Digest(of: []),
                                capabilities: [Capability("model:run")].compactMap { $0 }
                            )
                        ),
                        .addCredits(
                            AddCredits(
                                potID: PotID(ids.next(in: journal)),
                                kind: .topUp,
                                amount: Credits(whole: 1_000_000_000),
                                expiresAt: nil,
                                externalReference: nil
                            )
                        ),
                    ]
                    for action in actions {
                        let id = CommandID(ids.next(in: journal))
                        let verdict = try await store.submit(Command(id: id, accountID: account, action: action))
                        guard verdict == .done else { throw BenchmarkError.setup("\(verdict)") }
                    }
                    return Tenant(account: account, key: key)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Runs the load and measures it.
    public func run(
        _ store: LedgerStore,
        tenants: [Tenant],
        clock: @escaping @Sendable () -> Timestamp
    ) async throws -> Report {
        let started = ContinuousClock.now
        let end = started.advanced(by: duration)
        var report = try await withThrowingTaskGroup(of: Report.self) { group in
            for lane in 0..<inFlight {
                group.addTask {
                    let client = RunClient(
                        store: store,
                        tenants: tenants,
                        lane: lane,
                        ids: IdentifierSource(clock: clock)
                    )
                    return try await client.run(until: end, strideBy: inFlight)
                }
            }
            return try await group.reduce(into: Report()) { $0.merge($1) }
        }
        report.seconds = started.duration(to: .now).inSeconds
        return report
    }
}

extension LedgerBenchmark.Report {
    fileprivate mutating func merge(_ other: Self) {
        runs += other.runs
        refused += other.refused
        firstRefusal = firstRefusal ?? other.firstRefusal
        admit.merge(other.admit)
        settle.merge(other.settle)
        run.merge(other.run)
    }
}

/// Why a benchmark could not run.
public enum BenchmarkError: Error, Sendable {
    /// Something could not be set up.
    case setup(String)
}

/// One of the callers that are under way at the same time.
private struct RunClient {
    let store: LedgerStore
    let tenants: [LedgerBenchmark.Tenant]
    let lane: Int
    let ids: IdentifierSource

    private static let quote = RunQuote(
        amount: Credits(whole: 40),
        priceVersion: "1",
        definitionVersion: 1,
        requiredTier: .pro,
        supportsAsync: false,
        deadlineSeconds: 300,
        unresolvedHoldSeconds: 86_400,
        unresolvedPolicy: .release
    )

    func run(until end: ContinuousClock.Instant, strideBy stride: Int) async throws -> LedgerBenchmark.Report {
        var report = LedgerBenchmark.Report()
        var turn = lane
        let inputs = Digest(of: [1])
        while ContinuousClock.now < end {
            let tenant = tenants[turn % tenants.count]
            turn += stride
            let journal = store.journal(of: tenant.account)
            let execution = ExecutionID(ids.next(in: journal))
            let request = RequestID(ids.next(in: journal))
            let started = ContinuousClock.now
            let run = AdmitRun(
                executionID: execution,
                keyID: tenant.key,
                model: "bench-model",
                inputsDigest: inputs,
                preflight: .quoted(Self.quote)
            )
            let verdict = try await store.submit(
                Command(
                    id: CommandID(ids.next(in: journal)),
                    accountID: tenant.account,
                    requestID: request,
                    action: .admitRun(run)
                )
            )
            guard case .admitted = verdict else {
                report.refused += 1
                report.firstRefusal = report.firstRefusal ?? "\(verdict)"
                continue
            }
            let admitted = ContinuousClock.now
            let outcome = RunOutcome.succeeded(
                cost: Self.quote.amount,
                providerCost: MicroUSD(microdollars: 1_000),
                resultDigest: inputs,
                durationMilliseconds: 1
            )
            _ = try await store.submit(
                Command(
                    id: CommandID(ids.next(in: journal)),
                    accountID: tenant.account,
                    requestID: request,
                    action: .settleRun(
                        SettleRun(executionID: execution, outcome: outcome, providerRequestID: "bench", task: .none)
                    )
                )
            )
            let settled = ContinuousClock.now
            report.runs += 1
            report.admit.record(started.duration(to: admitted))
            report.settle.record(admitted.duration(to: settled))
            report.run.record(started.duration(to: settled))
        }
        return report
    }
}
