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
        /// The answer is lost; the charge is made, or there is none.
        case lost(PaymentOutcome?)
        /// It refuses us.
        case refusesUs
    }

    private struct Books {
        var script: [Reply]
        var charges: [PotID: (charge: TopUpCharge, outcome: PaymentOutcome)] = [:]
        var asked = 0
        var lookedUp = 0
    }

    private let books: Mutex<Books>

    init(_ script: [Reply] = []) { books = Mutex(Books(script: script)) }

    var charges: [TopUpCharge] { books.withLock { $0.charges.values.map(\.charge) } }
    var asked: Int { books.withLock(\.asked) }
    var lookedUp: Int { books.withLock(\.lookedUp) }

    func charge(_ charge: TopUpCharge) async throws(PaymentFailure) -> PaymentOutcome {
        try books.withLock { books throws(PaymentFailure) in
            books.asked += 1
            if let known = books.charges[charge.attempt] { return known.outcome }
            let reply =
                books.script.isEmpty ? .says(.paid(reference: "pi_\(charge.attempt)")) : books.script.removeFirst()
            switch reply {
            case .says(let outcome):
                books.charges[charge.attempt] = (charge, outcome)
                return outcome
            case .lost(let outcome):
                books.charges[charge.attempt] = outcome.map { (charge, $0) }
                throw PaymentFailure(.unknown, "no answer")
            case .refusesUs: throw PaymentFailure(.refused, "status 401")
            }
        }
    }

    func outcome(of charge: TopUpCharge) async throws(PaymentFailure) -> PaymentOutcome? {
        books.withLock { books in
            books.lookedUp += 1
            return books.charges[charge.attempt]?.outcome
        }
    }
}

extension TopUpWorker {
    /// A cent a credit, in dollars.
    static let cent = CreditPrice(unitsPerThousandCredits: 1_000, currency: "usd")!

    init(_ bench: AdminBench, _ payments: SimulatedPayments) {
        self.init(bench.desk, provider: payments, price: Self.cent)
    }
}

@Suite("Topping up, with a payment provider", .database(LedgerDatabase.template(journals: 2)))
struct TopUpTests {
    static let rules = """
        {"threshold":50,"amount":100,"attemptsPerDay":2,"failuresToOpen":2,"customer":"cus_1","paymentMethod":"pm_1"}
        """

    func setUp(_ bench: AdminBench) async throws -> String {
        let path = try await bench.open()
        let set = try await bench.ask(.put, path + "/top-up", Self.rules)
        #expect(set.status == 200 && set.json["topUp"]?["phase"] == "idle", "\(set)")
        #expect(set.json["topUp"]?["paymentMethodSet"] == true)
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
            let worker = TopUpWorker(bench, payments)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 { group.addTask { _ = try await worker.look() } }
                try await group.waitForAll()
            }
            let charge = try #require(payments.charges.first)
            #expect(payments.charges.count == 1 && charge.payment.units == 100 && charge.payment.currency == "usd")
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
            let worker = TopUpWorker(bench, payments)
            #expect(try await worker.look() == 1)
            #expect(try await bench.ask(.get, path).json["topUp"]?["phase"] == "attempt_open")
            let used = try await bench.ask(.post, path + "/close")
            #expect(used.status == 409 && used.code == "ACCOUNT_IN_USE")
            #expect(try await worker.look() == 0)
            #expect(payments.asked == 1)
            bench.clock.advance(seconds: 61)
            #expect(try await worker.look() == 0)
            #expect(payments.asked == 1 && payments.lookedUp == 1 && payments.charges.count == 1)
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
            let worker = TopUpWorker(bench, payments)
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

    @Test("a payment under way is waited for, however long, and ends by an event of Stripe")
    func pending() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let payments = SimulatedPayments([.says(.pending), .says(.pending)])
            let worker = TopUpWorker(bench, payments)
            #expect(try await worker.look() == 1)
            try await event(
                "evt_1",
                "payment_intent.payment_failed",
                "pi_1",
                path,
                try await attempt(bench, path),
                bench
            )
            #expect(try await bench.ask(.get, path).json["topUp"]?["failures"] == 1)
            #expect(try await worker.look() == 1)
            let second = try await attempt(bench, path)
            bench.clock.advance(seconds: 10 * 86_400)
            #expect(try await worker.look() == 0)
            #expect(try await attempt(bench, path) == second && payments.asked == 2)
            for id in ["evt_2", "evt_3"] {
                try await event(id, "payment_intent.succeeded", "pi_2", path, second, bench)
            }
            let shown = try await bench.ask(.get, path).json
            #expect(shown["account"]?["balance"] == 100 && shown["topUp"]?["failures"] == 0, "\(shown)")
        }
    }

    @Test(
        "an attempt that nothing is known of is asked for for 20 hours, given up after 24, and bought once if it was paid"
    )
    func givenUp() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let payments = SimulatedPayments([.lost(nil), .lost(nil), .refusesUs])
            let worker = TopUpWorker(bench, payments)
            #expect(try await worker.look() == 1)
            let attempt = try await attempt(bench, path)
            bench.clock.advance(seconds: TopUpWorker.chargeSeconds - 60)
            #expect(try await worker.look() == 0)
            #expect(payments.asked == 2)
            bench.clock.advance(seconds: 61)
            #expect(try await worker.look() == 0)
            #expect(payments.asked == 2 && payments.lookedUp == 2)
            #expect(try await self.attempt(bench, path) == attempt)
            bench.clock.advance(seconds: TopUpWorker.longestSeconds - TopUpWorker.chargeSeconds)
            // It is given up, and the next one meets a provider that refuses us.
            #expect(try await worker.look() == 1)
            #expect(payments.asked == 3)
            #expect(bench.notices.types == [.topUpFailed])
            for id in ["evt_1", "evt_2"] {
                try await event(id, "payment_intent.succeeded", "pi_1", path, attempt, bench)
            }
            let shown = try await bench.ask(.get, path).json
            #expect(shown["account"]?["balance"] == 100 && shown["pots"]?.arrayValue?.count == 1, "\(shown)")
            #expect(shown["topUp"]?["phase"] == "attempt_open" && shown["topUp"]?["failures"] == 1)
        }
    }

    @Test("nothing is started without somebody to charge, and what can't be charged fails without a question")
    func nobody() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let payments = SimulatedPayments()
            let worker = TopUpWorker(bench, payments)
            let rules = #"{"threshold":50,"amount":1000000000}"#
            #expect(try await bench.ask(.put, path + "/top-up", rules).json["topUp"]?["paymentMethodSet"] == false)
            #expect(try await worker.look() == 0)
            let charged = rules.dropLast() + #","customer":"cus_1","paymentMethod":"pm_1"}"#
            #expect(try await bench.ask(.put, path + "/top-up", String(charged)).status == 200)
            #expect(try await bench.ask(.put, path + "/top-up", rules).json["topUp"]?["paymentMethodSet"] == true)
            #expect(try await worker.look() == 1)
            #expect(payments.asked == 0 && bench.notices.types == [.topUpFailed])
            let event = try #require(try await bench.store.allEvents(of: bench.id(path)).last)
            #expect(event.content.detail?["code"]?.stringValue == "amount_too_large")
            #expect(try await bench.ask(.delete, path + "/top-up").json["topUp"]?["paymentMethodSet"] == false)
            let log = try await bench.ask(.get, "/admin/log").json["entries"]?.arrayValue ?? []
            let actions = log.filter { $0["subject"]?.stringValue == String(path.suffix(36)) }
                .compactMap { $0["action"]?.stringValue }
            #expect(actions == ["payment_method.removed", "payment_method.set"], "\(log)")
            let texts = try await bench.store.allEvents(of: bench.id(path)).compactMap { $0.content.detail?.text }
            #expect(!texts.contains { $0.contains("cus_1") || $0.contains("pm_1") })
        }
    }

    func attempt(_ bench: AdminBench, _ path: String) async throws -> String {
        try #require(try await bench.ask(.get, path).json["topUp"]?["attempt"]?.stringValue)
    }

    /// Tells of a payment as Stripe does.
    func event(
        _ id: String,
        _ type: String,
        _ payment: String,
        _ path: String,
        _ attempt: String,
        _ bench: AdminBench
    ) async throws {
        let object = """
            {"id":"\(payment)","metadata":{"account":"\(path.suffix(36))","attempt":"\(attempt)","credits":"100"},\
            "last_payment_error":{"code":"card_declined"}}
            """
        try await StripeSender(bench: bench).send(id, type, object, expecting: "applied")
    }
}
