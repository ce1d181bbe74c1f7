import Ledger
import Registry
import RunTestSupport
import Runs
import Synchronization
import Testing

@Suite("how a run is settled")
struct SettlementTests {
    @Test("a caller that hangs up stops neither the run nor its settlement")
    func hangUp() async throws {
        let work = Gate()
        let wasCancelled = Mutex(false)
        let bench = try RunBench { _, _ in
            await work.pass()
            wasCancelled.withLock { $0 = Task.isCancelled }
            return .done
        }
        let caller = Task { await bench.run() }
        await work.waitForArrivals()
        caller.cancel()
        await settle()
        #expect(bench.runCommands == ["admit"])
        work.open()
        #expect(await caller.value.summary == "succeeded for 1.5")
        #expect(!wasCancelled.withLock { $0 })
        #expect(bench.executions.map(\.status) == [.succeeded])
        #expect(bench.available == Credits(decimal: "998.5"))
    }

    @Test("a caller that had hung up before the hold was durable changes nothing either")
    func hangUpEarly() async throws {
        let hold = Gate()
        let bench = try RunBench()
        bench.ledger.after { command in
            if command.name == "admit" { await hold.pass() }
        }
        let caller = Task { await bench.run() }
        await hold.waitForArrivals()
        caller.cancel()
        hold.open()
        #expect(await caller.value.summary == "succeeded for 1.5")
        #expect(bench.runCommands == ["admit", "settle"])
    }

    @Test(
        "a settlement is tried until the ledger can be reached, and charges once",
        arguments: [false, true]
    )
    func retried(mayHaveHappened: Bool) async throws {
        let bench = try RunBench()
        let attempts = Gate()
        attempts.open()
        let fail: InMemoryLedger.Hook = { command throws(LedgerFailure) in
            guard command.name == "settle" else { return }
            await attempts.pass()
            if attempts.arrivals <= 3 { throw .unavailable(mayHaveHappened: mayHaveHappened, reason: "it is down") }
        }
        // What may have happened did happen: only the reply was lost.
        if mayHaveHappened { bench.ledger.after(fail) } else { bench.ledger.before(fail) }
        #expect(await bench.run().summary == "succeeded for 1.5")
        #expect(bench.observer.all == ["delayed", "delayed", "delayed"])
        #expect(bench.available == Credits(decimal: "998.5"))
        #expect(bench.ledger.events.filter { $0.type == .creditsDebited }.count == 1)
        #expect(bench.provider.requests.count == 1)
    }

    struct Mapping: Sendable, CustomTestStringConvertible {
        let name: String
        let outcome: DispatchOutcome
        let answer: String
        let status: Execution.Status
        var code: String?
        let available: String
        var testDescription: String { name }
    }

    static func failure(_ failureClass: DispatchFailure.Class) -> DispatchOutcome {
        .failed(DispatchFailure(message: "No.", failureClass: failureClass, providerRequestID: "task_1"))
    }

    static let mappings: [Mapping] =
        [
            Mapping(
                name: "success",
                outcome: .done,
                answer: "succeeded for 1.5",
                status: .succeeded,
                available: "998.5"
            ),
            Mapping(
                name: "the inputs were refused",
                outcome: failure(.user),
                answer: "failed",
                status: .failed,
                code: "INPUTS_REFUSED",
                available: "1000"
            ),
            Mapping(
                name: "the provider failed",
                outcome: failure(.provider),
                answer: "failed",
                status: .failed,
                code: "PROVIDER_FAILED",
                available: "1000"
            ),
            Mapping(
                name: "we are at fault",
                outcome: failure(.us),
                answer: "failed",
                status: .failed,
                code: "SERVICE_FAULT",
                available: "1000"
            ),
        ]
        + UnresolvedReason.allCases.map { reason in
            Mapping(
                name: reason.rawValue,
                outcome: .unresolved(reason, providerRequestID: "task_1"),
                answer: "unresolved",
                status: .unresolved,
                available: "998.5"
            )
        }

    @Test("an outcome is recorded as what it is, and paid for accordingly", arguments: mappings)
    func outcome(_ mapping: Mapping) async throws {
        let bench = try RunBench { _, _ in mapping.outcome }
        #expect(await bench.run().summary == mapping.answer)
        let execution = try #require(bench.executions.first)
        #expect(execution.status == mapping.status)
        #expect(execution.errorCode == mapping.code)
        #expect(execution.providerRequestID == "task_1")
        #expect(bench.available == Credits(decimal: mapping.available))
        // The hold of an unresolved run stands; every other is gone.
        #expect(bench.state.holds.isEmpty == (mapping.status != .unresolved))
    }

    struct Usage: Sendable, CustomTestStringConvertible {
        let delivered: Int64?
        let charged: String
        var isAbsorbed = false
        var testDescription: String { "\(delivered.map(String.init) ?? "nothing said") of 2" }
    }

    @Test(
        "the customer pays what was delivered, and never more than the quote",
        arguments: [
            Usage(delivered: nil, charged: "20.000002"), Usage(delivered: 2, charged: "20.000002"),
            Usage(delivered: 1, charged: "10.000001"), Usage(delivered: 3, charged: "20.000002", isAbsorbed: true),
            Usage(delivered: .max, charged: "20.000002"),
        ]
    )
    func usage(_ usage: Usage) async throws {
        let bench = try RunBench { _, _ in .delivered(units: usage.delivered) }
        let answer = await bench.run("picture", #"{"inputs":{"prompt":"hi","n":2}}"#)
        #expect(answer.summary == "succeeded for \(usage.charged)")
        let execution = try #require(bench.executions.first)
        #expect(execution.charged == Credits(decimal: usage.charged))
        #expect(execution.absorbed.isPositive == usage.isAbsorbed)
        #expect(bench.available == Credits(whole: 1_000) - execution.charged)
        #expect(bench.state.holds.isEmpty)
    }

    @Test("a provider's id is recorded when the work is accepted, and the ledger's absence then stops nothing")
    func submission() async throws {
        let bench = try RunBench { _, submitted in
            await submitted("task_9")
            return .done
        }
        #expect(await bench.run().summary == "succeeded for 1.5")
        #expect(bench.runCommands == ["admit", "submitted", "settle"])
        bench.ledger.before { command throws(LedgerFailure) in
            if command.name == "submitted" { throw .overloaded }
        }
        #expect(await bench.run().summary == "succeeded for 1.5")
        #expect(bench.runCommands == ["admit", "submitted", "settle", "admit", "settle"])
    }

    struct ProviderID: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
    }

    @Test(
        "a provider's id of any size and make is recorded as text that a database can hold",
        arguments: [
            ProviderID(testDescription: "long", text: String(repeating: "x", count: 5_000)),
            ProviderID(testDescription: "one long character", text: "e" + String(repeating: "\u{301}", count: 5_000)),
            ProviderID(testDescription: "control characters", text: "a\u{0}b\u{1b}[2Jc"),
        ]
    )
    func providerIDs(_ provider: ProviderID) async throws {
        let id = provider.text
        let bench = try RunBench { _, submitted in
            await submitted(id)
            return .unresolved(.timedOut, providerRequestID: id)
        }
        _ = await bench.run()
        for command in bench.ledger.commands {
            let recorded: String?
            switch command.action {
            case .recordSubmission(let submission): recorded = submission.providerRequestID
            case .settleRun(let settlement): recorded = settlement.providerRequestID
            default: continue
            }
            let text = try #require(recorded)
            #expect(text.utf8.count <= 800)
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
            #expect(text.unicodeScalars.first == id.unicodeScalars.first)
        }
    }

    @Test("an outcome that can't be recorded is answered as one that is not known, never as one to try again")
    func unrecorded() async throws {
        let bench = try RunBench()
        bench.ledger.before { command throws(LedgerFailure) in
            if command.name == "settle" { throw .unavailable(mayHaveHappened: false, reason: "it is down") }
        }
        async let answer = bench.run()
        await eventually { !bench.observer.all.isEmpty }
        await bench.service.drain(grace: .zero)
        #expect(await answer.summary == "unresolved")
        #expect(bench.executions.map(\.status) == [.admitted])
        #expect(bench.available == Credits(decimal: "998.5"))
    }
}
