import Ledger
import RunTestSupport
import Runs
import Testing

@Suite("recovery")
struct RecoveryTests {
    /// Admits a run for a process, and nothing more.
    private static func admit(_ bench: RunBench, instance: Int64, policy: UnresolvedPolicy = .release) async throws {
        let id = IdentifierSource(clock: { bench.ledger.now }).next(in: bench.ledger.journal(of: bench.account.id))
        let quote = RunQuote(
            amount: Credits(whole: 2),
            priceVersion: "1",
            definitionVersion: 1,
            requiredTier: .free,
            supportsAsync: false,
            deadlineSeconds: 60,
            unresolvedHoldSeconds: 600,
            unresolvedPolicy: policy
        )
        let run = AdmitRun(
            executionID: ExecutionID(id),
            keyID: bench.account.secret.keyID,
            model: "echo",
            inputsDigest: nil,
            preflight: .quoted(quote),
            instance: instance
        )
        let command = Command(id: CommandID(id), accountID: bench.account.id, action: .admitRun(run))
        guard case .admitted = try await bench.ledger.decide(command) else {
            Issue.record("the run was not admitted")
            return
        }
    }

    private static func recovery(_ bench: RunBench) -> RunRecovery {
        RunRecovery(for: bench.service, clock: { bench.ledger.now }, observer: bench.observer)
    }

    @Test("a run of a process that was missing twice is recorded as unresolved, once, and its hold stands")
    func abandoned() async throws {
        let bench = try RunBench(instance: 1)
        try await Self.admit(bench, instance: 99)
        let recovery = Self.recovery(bench)
        #expect(try await recovery.look() == (0, 0))
        #expect(bench.executions.map(\.status) == [.admitted])
        #expect(try await recovery.look() == (1, 0))
        #expect(bench.executions.map(\.status) == [.unresolved])
        #expect(bench.state.holds.count == 1)
        #expect(bench.available == Credits(whole: 998))
        #expect(try await recovery.look() == (0, 0))
        #expect(bench.ledger.events.filter { $0.type == .executionUnresolved }.count == 1)
        #expect(bench.observer.all == ["abandoned"])
    }

    @Test("runs of this process and of others that are alive are left alone")
    func alive() async throws {
        let bench = try RunBench(instance: 1)
        bench.ledger.live = [2]
        try await Self.admit(bench, instance: 1)
        try await Self.admit(bench, instance: 2)
        let recovery = Self.recovery(bench)
        for _ in 0..<3 { #expect(try await recovery.look() == (0, 0)) }
        #expect(bench.executions.map(\.status) == [.admitted, .admitted])
    }

    @Test("a process that was missing once and is back is left alone, however often that happens")
    func back() async throws {
        let bench = try RunBench(instance: 1)
        try await Self.admit(bench, instance: 2)
        let recovery = Self.recovery(bench)
        for _ in 0..<3 {
            bench.ledger.live = []
            #expect(try await recovery.look() == (0, 0))
            bench.ledger.live = [2]
            #expect(try await recovery.look() == (0, 0))
        }
        #expect(bench.executions.map(\.status) == [.admitted])
    }

    @Test("a process without open runs at one look must be missing twice again")
    func forgotten() async throws {
        let bench = try RunBench(instance: 1)
        try await Self.admit(bench, instance: 2)
        let recovery = Self.recovery(bench)
        #expect(try await recovery.look() == (0, 0))
        // Its run ends, so that the next look finds nothing to ask about.
        let run = try #require(bench.executions.first)
        let settlement = SettleRun(
            executionID: run.id,
            outcome: .failed(code: "SERVICE_FAULT", durationMilliseconds: 1),
            providerRequestID: nil
        )
        bench.ledger.administerRun(.settleRun(settlement), of: bench.account.id)
        #expect(try await recovery.look() == (0, 0))
        try await Self.admit(bench, instance: 2)
        #expect(try await recovery.look() == (0, 0))
        #expect(bench.executions.filter { $0.status == .admitted }.count == 1)
    }

    @Test(
        "a hold that has expired is ended by its policy",
        arguments: [(UnresolvedPolicy.release, "1000", Execution.Status.failed), (.charge, "998", .succeeded)]
    )
    func expired(_ policy: UnresolvedPolicy, _ available: String, _ status: Execution.Status) async throws {
        let bench = try RunBench(instance: 1)
        try await Self.admit(bench, instance: 1, policy: policy)
        let recovery = Self.recovery(bench)
        bench.ledger.now = bench.ledger.now.adding(seconds: 659)
        #expect(try await recovery.look() == (0, 0))
        bench.ledger.now = bench.ledger.now.adding(seconds: 2)
        #expect(try await recovery.look() == (0, 1))
        #expect(bench.state.holds.isEmpty)
        #expect(bench.available == Credits(decimal: available))
        #expect(bench.executions.map(\.status) == [status])
        #expect(try await recovery.look() == (0, 0))
        #expect(bench.observer.all == ["expired"])
    }

    @Test("a result that arrives after its run was given up is delivered while the hold stands, and refused afterwards")
    func late() async throws {
        for isExpired in [false, true] {
            let work = Gate()
            let bench = try RunBench(instance: 1) { _, _ in
                await work.pass()
                return .done
            }
            async let answer = bench.run()
            await work.waitForArrivals()
            let run = try #require(bench.executions.first)
            let unresolved = SettleRun(
                executionID: run.id,
                outcome: .unresolved(reason: "process_ended"),
                providerRequestID: nil
            )
            bench.ledger.administerRun(.settleRun(unresolved), of: bench.account.id)
            if isExpired {
                bench.ledger.now = bench.ledger.now.adding(seconds: 661)
                #expect(try await Self.recovery(bench).look() == (0, 1))
            }
            work.open()
            #expect(await answer.summary == (isExpired ? "failed" : "succeeded for 1.5"))
            #expect(bench.available == Credits(decimal: isExpired ? "1000" : "998.5"))
        }
    }
}
