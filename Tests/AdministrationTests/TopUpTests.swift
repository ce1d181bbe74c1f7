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

@Suite("Topping up, as rules")
struct TopUpRuleTests {
    /// Goal: at most one attempt is open, a day has at most so many, and a breaker opens after so many failures in a row.
    /// Method: random commands and days; what was decided is counted anew from the events alone.
    @Test("no history has two open attempts, too many in a day, or one after too many failures", arguments: 1...20)
    func laws(number: Int) {
        var seed = Seed(UInt64(number))
        var state = LedgerState()
        var now = Timestamp(microseconds: 1_800_000_000_000_000)
        var open: PotID?
        var rules: AutoTopUp.Rules?
        var failures: Int64 = 0
        var isBroken = false
        var inDay: [Int64: Int64] = [:]
        var starts = 0
        func perform(_ action: Command.Action) -> Decision {
            let id = CommandID(Identifier128(high: seed.next(), low: seed.next()))
            return state.perform(
                Command(id: id, accountID: AccountID(Identifier128(high: 1, low: 1)), action: action),
                at: now
            )
        }
        _ = perform(.openAccount(OpenAccount(tier: .business)))
        for _ in 0..<800 {
            now = now.adding(seconds: Int64.random(in: 1...20_000, using: &seed))
            let attempt = PotID(Identifier128(high: seed.next(), low: seed.next()))
            switch Int.random(in: 0..<20, using: &seed) {
            case 0:
                rules =
                    Bool.random(using: &seed)
                    ? AutoTopUp.Rules(
                        threshold: Credits(whole: 50),
                        amount: Credits(whole: 20),
                        attemptsPerDay: Int64.random(in: 1...4, using: &seed),
                        failuresToOpen: Int64.random(in: 1...3, using: &seed)
                    ) : rules
                #expect(perform(.setTopUpRules(rules)).verdict == .done)
                (failures, isBroken) = (0, false)
            case 1..<10:
                let balance = state.account?.posted ?? .zero
                let isDue =
                    rules.map { balance < $0.threshold && inDay[now.utcDay, default: 0] < $0.attemptsPerDay } ?? false
                let decision = perform(.startTopUp(attempt))
                #expect((decision.verdict == .done) == (isDue && open == nil && !isBroken))
                guard decision.verdict == .done else { continue }
                open = attempt
                inDay[now.utcDay, default: 0] += 1
                starts += 1
            case 10..<14:
                guard let ending = open ?? (Bool.random(using: &seed) ? attempt : nil) else { continue }
                let verdict = perform(.endTopUp(EndTopUp(attempt: ending, outcome: .failed(code: "declined")))).verdict
                #expect((verdict == .done) == (open != nil))
                guard verdict == .done else { continue }
                open = nil
                failures += 1
                isBroken = rules.map { failures >= $0.failuresToOpen } ?? false
            case 14..<18:
                let before = state.account?.posted ?? .zero
                let ending = open ?? attempt
                let paid = EndTopUp.Outcome.paid(amount: Credits(whole: 3), reference: "\(ending)", expiresAt: nil)
                let bought = open == nil ? Credits(whole: 3) : Credits(whole: 20)
                #expect(perform(.endTopUp(EndTopUp(attempt: ending, outcome: paid))).verdict == .done)
                #expect(state.account?.posted == before + bought)
                if open != nil { (open, failures) = (nil, 0) }
            default:
                for pot in state.pots.values where pot.remaining.isPositive {
                    _ = perform(
                        .adjustCredits(
                            AdjustCredits(potID: pot.id, amount: -pot.remaining, reason: "spent", correctsSequence: nil)
                        )
                    )
                }
            }
            #expect(state.topUp?.attempt?.id == open && state.topUp?.isBroken ?? false == isBroken)
        }
        #expect(starts > 20)
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
