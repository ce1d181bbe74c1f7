import Glibc
import Ledger
import LocalCluster
import Registry
import Synchronization
import TestSupport
import Testing

/// Goal: whatever is killed in mid-load, nothing that was answered is lost, and nothing is done or charged twice.
///
/// Method: callers that never rest send runs to two models of a simulator with latency and faults. Ten times, in turns,
/// the service or PostgreSQL is killed with SIGKILL and started again. At the end three books are compared run for run:
/// what the callers were answered, what the ledger says, and what the simulator was asked to do.
@Suite("kill -9 in mid-load", .serialized, .timeLimit(.minutes(5)))
struct CrashTests {
    @Test("ten crashes of service and PostgreSQL leave the books of callers, ledger and provider in agreement")
    func crashes() async throws {
        try await Stack.with { stack in
            try await stack.script([
                "latencyMilliseconds": 40, "jobMilliseconds": 100, "seed": 7,
                "rates": [
                    "drop": .decimal("0.02"), "fail": .decimal("0.05"), "error500": .decimal("0.05"),
                    "refuse": .decimal("0.03"),
                ],
            ])
            var customers: [Customer] = []
            for _ in 0..<4 { customers.append(try await stack.openAccount(tier: .enterprise, credits: 1_000_000)) }
            var service = try await stack.startService()
            let load = Load(stack: stack, url: service.url, customers: customers)
            let callers = Task { await load.run(callers: 24) }
            for round in 0..<10 {
                let before = load.succeeded
                try await eventually("runs succeed before crash \(round)") { load.succeeded >= before + 100 }
                if round.isMultiple(of: 2) {
                    await service.process.stop(SIGKILL)
                    service = try await stack.startService(port: service.port)
                } else {
                    try await stack.cluster.killPostmaster()
                    try await stack.cluster.start()
                }
            }
            let before = load.succeeded
            try await eventually("runs succeed after the last crash") { load.succeeded >= before + 100 }
            load.stop()
            await callers.value
            try await eventually("no run is left open but unresolved") {
                try await stack.rows(
                    "SELECT count(*) FROM ledger.executions WHERE status IN ('admitted', 'submitted')"
                ) == [["0"]]
            }
            #expect(await service.process.stop() == .exited(code: 0))
            #expect(try await stack.verify()["clean"] == true)
            try await Books(stack, load.answers).compare()
        }
    }
}

/// Callers that never rest.
final class Load: Sendable {
    private let stack: Stack
    private let url: String
    private let customers: [Customer]
    private let replies = Mutex<[Answer]>([])
    private let isStopped = Atomic<Bool>(false)
    private let successes = Atomic<Int>(0)

    init(stack: Stack, url: String, customers: [Customer]) {
        self.stack = stack
        self.url = url
        self.customers = customers
    }

    /// Runs that were answered with a result so far.
    var succeeded: Int { successes.load(ordering: .relaxed) }
    /// Every answer that came.
    var answers: [Answer] { replies.withLock { $0 } }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    func run(callers: Int) async {
        await withDiscardingTaskGroup { group in
            for caller in 0..<callers { group.addTask { await self.call(caller) } }
        }
    }

    private func call(_ caller: Int) async {
        // One in four is polled for.
        let model = caller.isMultiple(of: 4) ? Call.imageModel : Call.textModel
        let call = Call(customer: customers[caller % customers.count], model: model)
        while !isStopped.load(ordering: .relaxed) {
            switch await stack.send(call, to: url) {
            case .answered(let answer):
                replies.withLock { $0.append(answer) }
                if answer.status == 200 { successes.add(1, ordering: .relaxed) }
                if answer.status == 503 { try? await Task.sleep(for: .milliseconds(50)) }
            case .lost: try? await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}

/// The three books of the same runs.
private struct Books {
    struct Entry {
        let execution: String
        let request: String
        let status: String
        let charged: Int64
        let errorCode: String
        let isHeld: Bool
    }

    let answers: [Answer]
    let ledger: [Entry]
    /// The simulator's outcomes, by our id of the run.
    let outcomes: [String: String]

    init(_ stack: Stack, _ answers: [Answer]) async throws {
        self.answers = answers
        let rows = try await stack.rows(
            """
            SELECT e.execution_id, e.request_id, e.status, e.charged, coalesce(e.error_code, ''),
                EXISTS (SELECT FROM ledger.holds h WHERE h.hold_id = e.execution_id)
            FROM ledger.executions e
            """
        )
        self.ledger = rows.map { row in
            Entry(
                execution: row[0],
                request: row[1],
                status: row[2],
                charged: Int64(row[3]) ?? -1,
                errorCode: row[4],
                isHeld: row[5] == "t"
            )
        }
        var outcomes: [String: String] = [:]
        for run in try await stack.simulatorRuns() {
            let id = try #require(run["clientRequestId"]?.stringValue)
            #expect(outcomes[id] == nil, "\(id) was dispatched twice")
            outcomes[id] = run["outcome"]?.stringValue
        }
        self.outcomes = outcomes
        let debits = try await stack.rows(
            """
            SELECT execution_id, count(*), sum(amount) FROM ledger.events WHERE type = 'credits.debited' GROUP BY 1
            """
        )
        let debited = Dictionary(uniqueKeysWithValues: debits.map { ($0[0], $0) })
        for entry in ledger {
            let expected = entry.charged > 0 ? [entry.execution, "1", "\(entry.charged)"] : nil
            #expect(debited[entry.execution] == expected, "\(entry)")
        }
    }

    func compare() throws {
        compareAnswers()
        compareProvider()
        // Else nothing was tested.
        let unresolved = ledger.filter { $0.status == "unresolved" }
        #expect(unresolved.count > 0)
        #expect(ledger.filter { $0.status == "succeeded" }.count > 1_000)
        #expect(ledger.filter { $0.status == "failed" }.count > 20)
    }

    /// No answered run is missing, none is doubled, and each ended as its caller was told.
    private func compareAnswers() {
        let byRequest = Dictionary(grouping: ledger, by: \.request)
        for answer in answers {
            let entries = byRequest[answer.requestID] ?? []
            switch answer.status {
            case 200:
                #expect(entries.count == 1, "\(answer)")
                #expect(entries.first?.status == "succeeded", "\(answer)")
                #expect(entries.first?.charged == answer.cost?.microcredits, "\(answer)")
            case 500:
                #expect(entries.map(\.execution) == [answer.body["executionId"]?.stringValue ?? ""], "\(answer)")
                // The truth about one that is polled for may have been learned since, and a success been charged.
                let ends = answer.body["unresolved"] == true ? ["unresolved", "failed", "succeeded"] : ["failed"]
                #expect(entries.first.map { ends.contains($0.status) } == true, "\(answer)")
                #expect(entries.first?.status == "succeeded" || entries.first?.charged == 0, "\(answer)")
            case 503:
                // Held or not, it never reached the provider.
                #expect(entries.allSatisfy { outcomes[$0.execution] == nil && $0.charged == 0 }, "\(answer)")
            default: Issue.record("an answer that no caller should get: \(answer)")
            }
        }
    }

    /// The ledger and the provider agree run for run, except those that are unresolved, whose holds stand.
    private func compareProvider() {
        let known = Set(ledger.map(\.execution))
        for id in outcomes.keys { #expect(known.contains(id), "\(id) was dispatched without a hold") }
        for entry in ledger {
            let outcome = outcomes[entry.execution]
            switch entry.status {
            case "succeeded": #expect(outcome == "completed" && !entry.isHeld, "\(entry) \(outcome ?? "none")")
            case "failed":
                #expect([nil, "refused", "failed"].contains(outcome) && !entry.isHeld, "\(entry) \(outcome ?? "none")")
            case "unresolved": #expect(entry.isHeld && entry.charged == 0, "\(entry)")
            default: Issue.record("\(entry)")
            }
        }
    }
}
