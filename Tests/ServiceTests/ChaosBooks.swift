import Ledger
import Registry
import Testing

/// The books of the same runs: callers', ledger's, providers', receivers'.
struct ChaosBooks {
    struct Entry {
        let execution: String
        let request: String
        let key: String
        let model: String
        let status: String
        let charged: Int64
        let errorCode: String
        let isAsync: Bool
        /// Whether it was not known at a time what became of it.
        let wasUnresolved: Bool
    }

    private let ledger: [String: Entry]
    /// What each provider was asked for each run.
    private let providers: [String: [String: JSONValue]]
    private let providerTotals: [JSONValue]
    /// The states of each run's deliveries.
    private let deliveries: [String: [String]]
    private let debits: [String: [String]]

    init(_ stack: Stack) async throws {
        let rows = try await stack.rows(
            """
            SELECT e.execution_id, coalesce(e.request_id::text, ''), e.key_id, e.model, e.status, e.charged,
                coalesce(e.error_code, ''), e.is_async, u.execution_id IS NOT NULL
            FROM ledger.executions e LEFT JOIN (
                SELECT DISTINCT execution_id FROM ledger.events WHERE type = 'execution.unresolved'
            ) u USING (execution_id)
            """
        )
        let entries = rows.map { row in
            Entry(
                execution: row[0],
                request: row[1],
                key: row[2],
                model: row[3],
                status: row[4],
                charged: Int64(row[5]) ?? -1,
                errorCode: row[6],
                isAsync: row[7] == "t",
                wasUnresolved: row[8] == "t"
            )
        }
        self.ledger = Dictionary(uniqueKeysWithValues: entries.map { ($0.execution, $0) })
        let books = try await stack.simulatorBooks()
        self.providers = try #require(books["runs"]?.objectValue).mapValues { $0.objectValue ?? [:] }
        self.providerTotals = Array(try #require(books["providers"]?.objectValue).values)
        let deliveries = try await stack.rows("SELECT execution_id, state FROM ledger.webhook_deliveries")
        self.deliveries = Dictionary(grouping: deliveries) { $0[0] }.mapValues { $0.map { $0[1] } }
        let debits = try await stack.rows(
            """
            SELECT execution_id, count(*), sum(amount) FROM ledger.events WHERE type = 'credits.debited' GROUP BY 1
            """
        )
        self.debits = Dictionary(uniqueKeysWithValues: debits.map { ($0[0], Array($0.dropFirst())) })
    }

    // MARK: Callers

    /// Each run that was answered is there once, and ended as its caller was told.
    func compare(with replies: [ChaosLoad.Reply], lost: Int) {
        let byRequest = Dictionary(grouping: ledger.values, by: \.request)
        for reply in replies {
            let answer = reply.answer
            let entries = byRequest[answer.requestID] ?? []
            guard entries.count == 1, let entry = entries.first else {
                Issue.record("\(entries.count) runs for \(reply)")
                continue
            }
            #expect(entry.model == reply.order.model && entry.isAsync == reply.order.isAsync)
            let told = answer.body["executionId"]?.stringValue
            switch answer.status {
            case 200:
                #expect(entry.status == "succeeded" && entry.charged == answer.cost?.microcredits, "\(entry) \(answer)")
            case 202: #expect(told == entry.execution && entry.isAsync, "\(answer)")
            case 500:
                #expect(told == entry.execution, "\(answer)")
                // What became of one whose end was not known then may have been learned since.
                let ends = answer.body["unresolved"] == true ? ["failed", "succeeded"] : ["failed"]
                #expect(ends.contains(entry.status), "\(entry) \(answer)")
            default: Issue.record("an answer that no caller should get: \(answer)")
            }
        }
        #expect(ledger.count >= replies.count)
        #expect(ledger.count <= replies.count + lost)
        for entry in ledger.values {
            #expect(debits[entry.execution] == (entry.charged > 0 ? ["1", "\(entry.charged)"] : nil), "\(entry)")
            #expect((entry.charged > 0) == (entry.status == "succeeded"), "\(entry)")
        }
    }

    // MARK: Providers

    /// Nothing was done that has no run, nothing was accepted twice, and what is charged was delivered.
    func compareProviders() {
        for id in providers.keys { #expect(ledger[id] != nil, "\(id) was sent without a run") }
        for entry in ledger.values {
            let tallies = providers[entry.execution] ?? [:]
            #expect(tallies.count <= 1, "\(entry) \(tallies)")
            let tally = tallies.first?.value
            #expect((tally?.count("duplicates") ?? 0) == 0, "\(entry) \(tallies)")
            #expect((tally?.count("accepted") ?? 0) <= 1, "\(entry) \(tallies)")
            #expect((tally?.count("open") ?? 0) == 0, "\(entry) \(tallies)")
            let isDelivered = tally?.count("succeeded") == 1
            switch entry.status {
            case "succeeded": #expect(isDelivered, "\(entry) \(tallies)")
            case "failed": #expect(!isDelivered || isGivenBack(entry), "\(entry) \(tallies)")
            case "cancelled": #expect(!isDelivered && entry.isAsync, "\(entry) \(tallies)")
            default: Issue.record("\(entry) is not at an end that anybody wished for")
            }
        }
        let delivered = providerTotals.reduce(0) { $0 + $1.count("succeeded") }
        let charged = ledger.values.count { $0.status == "succeeded" }
        #expect(delivered == Int64(charged + givenBack.count))
        #expect(providerTotals.allSatisfy { $0.count("duplicates") == 0 && $0.count("open") == 0 })
    }

    /// Its credits were given back by its definition's policy, because nobody could find out how it ended.
    private func isGivenBack(_ entry: Entry) -> Bool {
        entry.status == "failed" && entry.wasUnresolved && entry.errorCode == "UNRESOLVED_EXPIRED"
    }

    /// Runs that a provider did, and whose answers were lost.
    private var givenBack: [Entry] {
        ledger.values.filter { isGivenBack($0) && providers[$0.execution]?.first?.value.count("succeeded") == 1 }
    }

    // MARK: Receivers

    /// Each end of an asynchronous run whose key has a webhook is delivered once, as the ledger has it; nothing else is.
    func compare(with receiver: ChaosReceiver) {
        let reports = Dictionary(grouping: receiver.reports(), by: \.execution)
        for id in reports.keys { #expect(ledger[id] != nil, "\(id) was reported, and is no run") }
        for entry in ledger.values {
            guard entry.isAsync, receiver.expects(key: entry.key) else {
                #expect(deliveries[entry.execution] == nil && reports[entry.execution] == nil, "\(entry)")
                continue
            }
            #expect(deliveries[entry.execution] == ["delivered"], "\(entry)")
            let bodies = (reports[entry.execution] ?? []).map(\.body)
            #expect(!bodies.isEmpty && Set(bodies).count == 1, "\(entry)")
            guard let body = bodies.first else { continue }
            let told = entry.status == "succeeded" ? "completed" : entry.status
            #expect(body["status"]?.stringValue == told, "\(entry)")
            let cost = body["cost"]?.scalarText.flatMap { Credits(decimal: $0) }
            #expect(cost?.microcredits == entry.charged, "\(entry)")
        }
        // Else less was tested than is said.
        #expect(receiver.refusedCount > 0)
        #expect(reports.values.contains { $0.count > 1 })
    }

    // MARK: Balances

    func compareBalances(of customers: [Customer], credits: Int64, _ stack: Stack) async throws {
        for customer in customers {
            let charged = ledger.values.filter { $0.key == "\(customer.keyID)" }.reduce(0) { $0 + $1.charged }
            let account = try #require(try await stack.state(of: customer).account)
            #expect(account.held == .zero)
            #expect(account.available.microcredits == Credits(whole: credits).microcredits - charged)
        }
    }

    /// Every way that a run can go was gone, or else less was tested than is said.
    func expectEveryWay() {
        let entries = ledger.values
        let ends = entries.reduce(into: [String: Int]()) { $0["\($1.status) \($1.errorCode)", default: 0] += 1 }
        print("chaos: \(entries.count) runs, \(ends), given back though done: \(givenBack.count)")
        #expect(entries.count { $0.status == "succeeded" } > 1_000)
        #expect(entries.count { $0.status == "succeeded" && $0.isAsync } > 400)
        #expect(entries.count { $0.status == "failed" } > 50)
        #expect(entries.count { $0.status == "cancelled" } > 0)
        #expect(entries.count { $0.status == "succeeded" && $0.wasUnresolved } > 0)
        #expect(givenBack.count > 0)
        #expect(providerTotals.reduce(0) { $0 + $1.count("callbacks") } > 0)
    }
}

extension JSONValue {
    /// One of a tally's counts.
    fileprivate func count(_ name: String) -> Int64 { self[name]?.integerValue ?? 0 }
}
