import Administration
import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import TestSupport
import Testing

/// What has changed between an attempt's start and its end.
extension TopUpTests {
    private func lastCode(_ bench: AdminBench, _ path: String) async throws -> String? {
        try await bench.store.allEvents(of: bench.id(path)).last?.content.detail?["code"]?.stringValue
    }

    @Test("a payment that an operator has added by its reference meanwhile ends its attempt, and is added once")
    func addedElsewhere() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let worker = TopUpWorker(bench, SimulatedPayments([.says(.pending)]))
            #expect(try await worker.look() == 1)
            let attempt = try await attempt(bench, path)
            let added = try await bench.ask(.post, path + "/credits", #"{"amount":100,"reference":"pi_1"}"#)
            #expect(added.status == 201)
            for id in ["evt_1", "evt_2"] {
                try await event(id, "payment_intent.succeeded", "pi_1", path, attempt, bench)
            }
            let shown = try await bench.ask(.get, path).json
            #expect(shown["topUp"]?["phase"] == "idle" && shown["topUp"]?["failures"] == 0, "\(shown)")
            #expect(shown["account"]?["balance"] == 100 && shown["pots"]?.arrayValue?.count == 1)
            #expect(try await bench.ask(.post, path + "/close").status == 200)
        }
    }

    @Test("an attempt that never reached the provider is not charged once topping up is switched off")
    func switchedOff() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let payments = SimulatedPayments([.lost(nil)])
            let worker = TopUpWorker(bench, payments)
            #expect(try await worker.look() == 1)
            #expect(try await bench.ask(.delete, path + "/top-up").json["topUp"]?["phase"] == "attempt_open")
            bench.clock.advance(seconds: 61)
            #expect(try await worker.look() == 0)
            #expect(payments.asked == 1 && payments.lookedUp == 1)
            #expect(try await bench.ask(.get, path).json["topUp"]?["phase"] == "idle")
            #expect(try await lastCode(bench, path) == "switched_off")

            // What was charged before is bought all the same.
            #expect(try await bench.ask(.put, path + "/top-up", Self.rules).status == 200)
            let charged = TopUpWorker(bench, SimulatedPayments([.lost(.paid(reference: "pi_1"))]))
            #expect(try await charged.look() == 1)
            #expect(try await bench.ask(.delete, path + "/top-up").status == 200)
            bench.clock.advance(seconds: 61)
            #expect(try await charged.look() == 0)
            #expect(try await bench.ask(.get, path).json["account"]?["balance"] == 100)
        }
    }

    @Test("credits that have expired keep no account from being topped up")
    func expired() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let end = bench.clock.now.adding(seconds: 3_600).rfc3339
            let credits = #"{"amount":500,"reference":"a","expiresAt":"\#(end)"}"#
            #expect(try await bench.ask(.post, path + "/credits", credits).status == 201)
            let payments = SimulatedPayments()
            let worker = TopUpWorker(bench, payments)
            #expect(try await worker.look() == 0)
            bench.clock.advance(seconds: 3_601)
            #expect(try await worker.look() == 1)
            #expect(try await worker.look() == 0)
            #expect(payments.asked == 1)
        }
    }

    @Test("an attempt that can't be read holds up no other account, and is told of")
    func oneFails() async throws {
        try await AdminBench.with { bench in
            let broken = try await setUp(bench)
            let payments = SimulatedPayments([.lost(nil)])
            let worker = TopUpWorker(bench, payments)
            #expect(try await worker.look() == 1)
            let damage = "UPDATE ledger.payment_charges SET customer = 'no reference' RETURNING 1"
            #expect(try await count("WITH damaged AS (\(damage)) SELECT count(*) FROM damaged") == 1)
            let path = try await setUp(bench)
            bench.clock.advance(seconds: 61)
            await #expect(throws: AdminFailure.self) { _ = try await worker.look() }
            #expect(try await bench.ask(.get, path).json["account"]?["balance"] == 100)
            #expect(try await bench.ask(.get, broken).json["topUp"]?["phase"] == "attempt_open")
        }
    }

    @Test("who comes to an attempt 20 hours after its start does not ask for it, though it is the one who started it")
    func late() async throws {
        try await AdminBench.with { bench in
            let path = try await setUp(bench)
            let payments = SimulatedPayments()
            let late = AdminDesk(store: bench.store, models: nil) {
                bench.clock.now.adding(seconds: TopUpWorker.chargeSeconds + 60)
            }
            #expect(try await TopUpWorker(late, provider: payments, price: TopUpWorker.cent).look() == 1)
            #expect(payments.asked == 0)
            #expect(try await bench.ask(.get, path).json["topUp"]?["phase"] == "attempt_open")
        }
    }

    @Test("no answer shows whom an account charges, nor does the one that is kept for a request's repetition")
    func hidden() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let headers = [("authorization", "Bearer \(AdminBench.token)"), ("Idempotency-Key", "k")]
            var answers: [AdminBench.Answer] = []
            for _ in 0..<2 {
                answers.append(try await bench.ask(.put, path + "/top-up", Self.rules, headers: headers))
            }
            answers.append(try await bench.ask(.get, path))
            answers.append(try await bench.ask(.post, path + "/credits", #"{"amount":1,"reference":"a"}"#))
            for answer in answers {
                #expect(!answer.text.contains("cus_1") && !answer.text.contains("pm_1"), "\(answer)")
            }
            #expect(answers[0].json["topUp"]?["paymentMethodSet"] == true && answers[0].text == answers[1].text)
            let kept =
                "SELECT count(*) FROM ledger.idempotency i WHERE position('cus_1' IN encode(i.body, 'escape')) > 0"
            #expect(try await count(kept) == 0)
        }
    }
}
