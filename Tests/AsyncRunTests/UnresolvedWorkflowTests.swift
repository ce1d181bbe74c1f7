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

/// Goal: a workflow of which nobody knows how a node ended is charged what its nodes are charged, however it ends.
@Suite("Workflows with a node that is unresolved", .gated, .database(LedgerDatabase.template(journals: 4)))
struct UnresolvedWorkflowTests {
    /// A node that is done, one whose answer is lost, and one that needs both.
    private static func save(_ bench: AsyncBench, _ service: RunService) async throws {
        bench.provider.follow {
            $0.submit = { request in
                request.model.internalName == "clip"
                    ? .ended(.unresolved(.connectionLost, providerRequestID: nil)) : .ended(.done)
            }
            $0.poll = { _, _ in .ended(.done) }
        }
        let saved = try await bench.save(
            service,
            "Tale",
            nodes: [
                #"a model {"model":"text","inputs":{"prompt":"one"}}"#,
                #"b model {"model":"clip","inputs":{"prompt":"two"}}"#,
                #"c model {"model":"more","inputs":{"prompt":"{{x}} {{y}}"}}"#, "out responseOutput",
            ],
            edges: ["a>c.x", "b>c.y", "c>out"]
        )
        #expect(saved.status == .created, "\(String(buffer: saved.body))")
    }

    /// Runs it for a caller who waits, and checks what that one is told.
    private static func run(_ bench: AsyncBench, _ service: RunService) async throws -> ExecutionID {
        let key = [("Idempotency-Key", "k")]
        let told = try await bench.runWorkflow(service, "tale", "{}", headers: key)
        #expect(try told.summary == "500 EXECUTION_FAILED")
        let json = try told.json
        #expect(json["unresolved"] == true)
        #expect(json["error"] == "It is not known yet how every node of the workflow ended")
        #expect(json["cost"] == 3)
        let nodes = Dictionary(
            uniqueKeysWithValues: (json["nodes"]?.arrayValue ?? []).map { ($0["id"]?.stringValue ?? "", $0) }
        )
        #expect(nodes.mapValues { $0["status"] } == ["a": "completed", "b": "processing"])
        #expect(nodes.mapValues { $0["cost"] } == ["a": 3, "b": .null])
        // The debit of one, and the hold of the other, which stands.
        #expect(try await bench.available == Credits(whole: 994))
        let id = try #require(json["executionId"]?.stringValue.flatMap { ExecutionID(text: $0) })
        #expect(try await bench.answer(service, "/api/executions/\(id)").json["status"] == "processing")
        #expect(try await bench.runWorkflow(service, "tale", "{}", headers: key).body == told.body)
        return id
    }

    @Test("the caller is told what is known, nothing begins after that, and what the node turns out to cost is charged")
    func resolved() async throws {
        try await AsyncBench.withWorkflows { bench in
            let service = try bench.workflowService()
            try await Self.save(bench, service)
            let id = try await Self.run(bench, service)
            bench.provider.follow { $0.lookUp = { .found(ProviderTask(id: "job-\($0.executionID)")) } }
            try await withWorker(service) { _ = try await bench.wait(for: .failed, of: id) }
            let ended = try await bench.answer(service, "/api/executions/\(id)").json
            #expect(ended["cost"] == 6)
            #expect(ended["error"]?["message"] == "Node c: was not begun")
            #expect(ended["nodes"]?.arrayValue?.map { $0["id"] } == ["a", "b"])
            #expect(try await bench.available == Credits(whole: 994))
            #expect(bench.provider.count("submit") == 2)
            #expect(try await count("SELECT count(*) FROM ledger.run_tasks") == 0)
        }
    }

    @Test("a run that is given up in the end has cost what its nodes have cost")
    func givenUp() async throws {
        let clock = TestClock()
        try await AsyncBench.with(
            tier: .pro,
            capabilities: AsyncBench.workflowCapabilities,
            clock: { clock.now }
        ) { bench in
            let service = try bench.workflowService(clock: { clock.now })
            try await Self.save(bench, service)
            let id = try await Self.run(bench, service)
            let recovery = RunRecovery(for: service, clock: { clock.now }, observer: RecordingObserver())
            #expect(try await recovery.look().expired == 0)
            clock.advance(seconds: 3 * 86_400)
            // A later run of the account gives back what the node has held, and leaves the workflow to whoever knows its cost.
            let plain = try await bench.runWorkflow(service, "tale", "{}")
            #expect(try plain.json["unresolved"] == true)
            try await eventually("the run is given up") {
                _ = try await recovery.look()
                return try await bench.execution(id).status == .failed
            }
            let ended = try await bench.answer(service, "/api/executions/\(id)").json
            #expect(ended["cost"] == 3)
            #expect(ended["error"]?["code"] == "UNRESOLVED_EXPIRED")
            let usage = try await bench.answer(service, "/api/usage?status=failed").json
            #expect(usage["rows"]?.arrayValue?.map { $0["creditsCost"] } == [3])
            let told = try await bench.store.events(of: bench.account).map(\.content)
                .first { $0.executionID == id && $0.type == .executionFailed }
            #expect(told?.detail?["cost"]?.amountValue == Credits(whole: 3))
            #expect(told?.detail?["provider_microusd"]?.stringValue == "900")
            for journal in 0..<4 { _ = try await bench.store.rebuild(JournalID(Int16(journal))) }
        }
    }
}
