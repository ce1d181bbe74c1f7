import Administration
import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import Synchronization
import TestSupport
import Testing

/// A payment provider that follows a script, and charges an attempt once however often it is asked.
final class SimulatedPayments: PaymentProvider {
    enum Reply: Sendable {
        case says(PaymentOutcome)
        /// The charge is made, and the answer is lost.
        case lost(PaymentOutcome)
    }

    private struct Books {
        var script: [Reply]
        var charges: [PotID: (charge: TopUpCharge, outcome: PaymentOutcome)] = [:]
        var asked = 0
    }

    struct Lost: Error {}

    private let books: Mutex<Books>

    init(_ script: [Reply] = []) { books = Mutex(Books(script: script)) }

    var charges: [TopUpCharge] { books.withLock { $0.charges.values.map(\.charge) } }
    var asked: Int { books.withLock(\.asked) }

    func charge(_ charge: TopUpCharge) async throws -> PaymentOutcome {
        try books.withLock { books in
            books.asked += 1
            if let known = books.charges[charge.attempt] { return known.outcome }
            let reply =
                books.script.isEmpty ? .says(.paid(reference: "pi_\(charge.attempt)")) : books.script.removeFirst()
            switch reply {
            case .says(let outcome):
                books.charges[charge.attempt] = (charge, outcome)
                return outcome
            case .lost(let outcome):
                books.charges[charge.attempt] = (charge, outcome)
                throw Lost()
            }
        }
    }
}

@Suite("Topping up, with a payment provider", .database(LedgerDatabase.template(journals: 2)))
struct TopUpTests {
    private static let rules = #"{"threshold":50,"amount":100,"attemptsPerDay":2,"failuresToOpen":2}"#

    private func setUp(_ bench: AdminBench) async throws -> String {
        let path = try await bench.open()
        let set = try await bench.ask(.put, path + "/top-up", Self.rules)
        #expect(set.status == 200 && set.json["topUp"]?["phase"] == "idle", "\(set)")
        return path
    }

    private func spend(_ bench: AdminBench, _ path: String) async throws {
        for pot in try await bench.ask(.get, path).json["pots"]?.arrayValue ?? [] {
            let body = """
                {"pot":"\(pot["pot"]?.stringValue ?? "")","amount":"-\(pot["remaining"]?.scalarText ?? "")",\
                "reason":"spent","corrects":1}
                """
            #expect(try await bench.ask(.post, path + "/adjustments", body).status == 201)
        }
    }

    @Test("many workers at once start one attempt, and charge once")
    func once() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let payments = SimulatedPayments()
            let worker = TopUpWorker(bench.desk, provider: payments)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 { group.addTask { _ = try await worker.look() } }
                try await group.waitForAll()
            }
            #expect(payments.charges.count == 1)
            let shown = try await bench.ask(.get, path).json
            #expect(shown["account"]?["balance"] == 100 && shown["topUp"]?["phase"] == "idle")
            #expect(try await worker.look() == 0)
        }
    }

    @Test("a lost answer is asked for again under the same attempt; the budget of the day holds")
    func lost() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let payments = SimulatedPayments([.lost(.paid(reference: "pi_1"))])
            let worker = TopUpWorker(bench.desk, provider: payments)
            #expect(try await worker.look() == 1)
            #expect(try await bench.ask(.get, path).json["topUp"]?["phase"] == "attempt_open")
            let used = try await bench.ask(.post, path + "/close")
            #expect(used.status == 409 && used.code == "ACCOUNT_IN_USE")
            #expect(try await worker.look() == 0)
            #expect(payments.asked == 1)
            bench.clock.advance(seconds: 61)
            #expect(try await worker.look() == 0)
            #expect(payments.asked == 2 && payments.charges.count == 1)
            #expect(try await bench.ask(.get, path).json["account"]?["balance"] == 100)
            for started in [1, 0] {
                try await spend(bench, path)
                #expect(try await worker.look() == started)
            }
            bench.clock.advance(seconds: 86_400)
            #expect(try await worker.look() == 1)
        }
    }

    @Test("failures in a row open the breaker, which is an alert until the rules are set anew")
    func breaker() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let payments = SimulatedPayments([
                .says(.failed(code: "card_declined")), .says(.failed(code: "card_declined")),
            ])
            let worker = TopUpWorker(bench.desk, provider: payments)
            for started in [1, 1, 0] { #expect(try await worker.look() == started) }
            #expect(bench.notices.types == [.topUpFailed, .topUpFailed])
            let alert = try await bench.ask(.get, "/admin/alerts").json["alerts"]?.arrayValue?.first
            #expect(alert?["kind"] == "top_up_stopped" && alert?["failures"] == 2)
            bench.clock.advance(seconds: 86_400)
            #expect(try await worker.look() == 0)
            #expect(try await bench.ask(.put, path + "/top-up", Self.rules).status == 200)
            #expect(try await bench.ask(.get, "/admin/alerts").json["alerts"]?.arrayValue?.isEmpty == true)
            #expect(try await worker.look() == 1)
            #expect(try await bench.ask(.delete, path + "/top-up").json["topUp"]?["on"] == false)
        }
    }

    @Test("a payment that is pending ends by an event of Stripe, also after it was given up")
    func pending() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let worker = TopUpWorker(bench.desk, provider: SimulatedPayments([.says(.pending), .says(.pending)]))
            let stripe = StripeSender(bench: bench)
            func attempt() async throws -> String {
                #expect(try await worker.look() == 1)
                return try #require(try await bench.ask(.get, path).json["topUp"]?["attempt"]?.stringValue)
            }
            func object(_ id: String, _ attempt: String) -> String {
                """
                {"id":"\(id)","metadata":{"account":"\(path.suffix(36))","attempt":"\(attempt)","credits":"100"},\
                "last_payment_error":{"code":"card_declined"}}
                """
            }
            let first = try await attempt()
            try await stripe.send("evt_1", "payment_intent.payment_failed", object("pi_1", first), expecting: "applied")
            let second = try await attempt()
            bench.clock.advance(seconds: 86_401)
            _ = try await worker.look()
            let shown = try await bench.ask(.get, path).json["topUp"]
            #expect(shown?["phase"] == "breaker_open" && shown?["failures"] == 2, "\(shown ?? .null)")
            try await stripe.send("evt_2", "payment_intent.succeeded", object("pi_2", second), expecting: "applied")
            try await stripe.send("evt_3", "payment_intent.succeeded", object("pi_2", second), expecting: "applied")
            #expect(try await bench.ask(.get, path).json["account"]?["balance"] == 100)
        }
    }
}
