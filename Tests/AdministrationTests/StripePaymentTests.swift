import Administration
import AsyncHTTPClient
import HTTPTypes
import Hummingbird
import Ledger
import LedgerStore
import LedgerTestSupport
import Logging
import NIOCore
import NIOHTTP1
import Payments
import ProviderSimulator
import Providers
import Registry
import TestSupport
import Testing

/// A bench whose accounts are topped up over the wire, by a Stripe of the simulator's that has the bench's time.
private struct Till: Sendable {
    let bench: AdminBench
    let url: String
    let client: HTTPClient

    static func with(_ body: @escaping @Sendable (Till) async throws -> Void) async throws {
        try await AdminBench.with { bench in
            let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
            let clock = bench.clock
            let simulator = buildSimulator(
                port: 0,
                clock: SimulatorClock { clock.now.microseconds / 1_000 },
                logger: Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() },
                onListening: { continuation.yield($0) }
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await simulator.run() }
                defer { group.cancelAll() }
                var iterator = ports.makeAsyncIterator()
                let port = try #require(await iterator.next())
                let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .providers())
                do {
                    try await body(Till(bench: bench, url: "http://127.0.0.1:\(port)", client: client))
                } catch {
                    try? await client.shutdown()
                    throw error
                }
                try await client.shutdown()
            }
        }
    }

    func worker(unitsPerThousand units: Int64 = 1_000) throws -> TopUpWorker {
        TopUpWorker(
            bench.desk,
            provider: StripePayments(client: client, baseURL: url + "/stripe", secretKey: "sk_test_0123456789"),
            price: try #require(CreditPrice(unitsPerThousandCredits: units, currency: "usd"))
        )
    }

    func tell(_ path: String, _ json: JSONValue) async throws {
        var request = HTTPClientRequest(url: "\(url)/_simulator/\(path)")
        request.method = .POST
        request.body = .bytes(ByteBuffer(bytes: json.canonicalBytes))
        let response = try await client.execute(request, timeout: .seconds(30))
        #expect(response.status == .noContent)
    }

    func setTopUp(_ path: String, method: String = "pm_card_visa", customer: String = "cus_1") async throws {
        let rules = """
            {"threshold":50,"amount":"100.5","attemptsPerDay":9,"failuresToOpen":2,"customer":"\(customer)",\
            "paymentMethod":"\(method)"}
            """
        #expect(try await bench.ask(.put, path + "/top-up", rules).status == 200)
    }

    /// What Stripe has of a customer, the latest first.
    func payments(_ customer: String = "cus_1") async throws -> [JSONValue] {
        var request = HTTPClientRequest(url: "\(url)/stripe/v1/payment_intents?limit=100&customer=\(customer)")
        request.headers.add(name: "Authorization", value: "Bearer sk_test_0123456789")
        let response = try await client.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return try #require(try JSONValue(parsing: bytes.readableBytesView)["data"]?.arrayValue)
    }

    func shown(_ path: String) async throws -> JSONValue { try await bench.ask(.get, path).json }

    /// The codes under which attempts of an account have failed.
    func failures(_ path: String) async throws -> [String] {
        try await bench.store.allEvents(of: bench.id(path)).filter { $0.content.type == .topUpFailed }
            .compactMap { $0.content.detail?["code"]?.stringValue }
    }
}

@Suite("Topping up, through Stripe's API", .database(LedgerDatabase.template(journals: 2)))
struct StripePaymentTests {
    @Test(
        "a payment has the price, the customer and the attempt; its credits are there; refusals end attempts under their code"
    )
    func answers() async throws {
        try await Till.with { till in
            let path = try await till.bench.open()
            try await till.setTopUp(path)
            #expect(try await till.worker(unitsPerThousand: 1_234).look() == 1)
            let payment = try #require(try await till.payments().first)
            // 100.5 credits at 1.234 cents are 124.017 cents.
            #expect(payment["amount"] == 124 && payment["currency"] == "usd" && payment["status"] == "succeeded")
            let pot = try #require(try await till.shown(path)["pots"]?.arrayValue?.first)
            #expect(pot["reference"] == payment["id"] && pot["added"]?.scalarText == "100.5")
            #expect(payment["metadata"]?["attempt"] == pot["pot"] && payment["metadata"]?["credits"] == "100.5")
            #expect(payment["metadata"]?["account"]?.stringValue == String(path.suffix(36)))
            for (method, customer, code) in [
                ("pm_card_chargeDeclined", "cus_2", "generic_decline"),
                ("pm_card_chargeDeclinedInsufficientFunds", "cus_3", "insufficient_funds"),
                ("pm_card_authenticationRequired", "cus_4", "authentication_required"),
                ("pm_card_visa", "cus_missing", "resource_missing"),
            ] {
                let path = try await till.bench.open()
                try await till.setTopUp(path, method: method, customer: customer)
                for started in [1, 1, 0] { #expect(try await till.worker().look() == started) }
                #expect(try await till.failures(path) == [code, code])
                #expect(try await till.shown(path)["topUp"]?["phase"] == "breaker_open")
            }
            let tooLittle = try await till.bench.open()
            try await till.setTopUp(tooLittle, customer: "cus_5")
            #expect(try await till.worker(unitsPerThousand: 1).look() == 1)
            #expect(try await till.failures(tooLittle) == ["amount_too_small"])
        }
    }

    @Test(
        "a lost answer is looked up, though price and card are others by then; what Stripe can't do now is asked for again"
    )
    func lost() async throws {
        try await Till.with { till in
            let path = try await till.bench.open()
            try await till.setTopUp(path)
            try await till.tell("script", ["provider": "stripe", "faults": ["rateLimit", "unavailable", "drop"]])
            #expect(try await till.worker().look() == 1)
            try await till.setTopUp(path, method: "pm_card_chargeDeclined", customer: "cus_2")
            for made in [0, 0, 1] {
                #expect(try await till.payments().count == made)
                #expect(try await till.shown(path)["topUp"]?["phase"] == "attempt_open")
                till.bench.clock.advance(seconds: 61)
                #expect(try await till.worker(unitsPerThousand: 2_000).look() == 0)
            }
            #expect(try await till.payments().first?["amount"] == 101)
            #expect(try await till.payments("cus_2").isEmpty)
            let shown = try await till.shown(path)
            #expect(
                shown["account"]?["balance"]?.scalarText == "100.5" && shown["topUp"]?["phase"] == "idle",
                "\(shown)"
            )
        }
    }

    @Test("a key that Stripe has forgotten is not used again, and our own mistakes are nobody's failure")
    func forgotten() async throws {
        try await Till.with { till in
            let path = try await till.bench.open()
            try await till.setTopUp(path)
            try await till.tell("script", ["provider": "stripe", "faults": ["error500"]])
            #expect(try await till.worker().look() == 1)
            // The 500 is kept under the key.
            till.bench.clock.advance(seconds: 3_600)
            #expect(try await till.worker().look() == 0)
            try await till.tell("settings", ["keys": ["stripe": "sk_test_another"]])
            till.bench.clock.advance(seconds: 25 * 3_600)
            let other = try await till.bench.open()
            try await till.setTopUp(other, customer: "cus_2")
            // Refused, it starts none for the other.
            #expect(try await till.worker().look() == 0)
            #expect(try await till.shown(path)["topUp"]?["phase"] == "attempt_open")
            try await till.tell("settings", [:])
            #expect(try await till.worker().look() == 2)
            #expect(try await till.failures(path) == ["timed_out"])
            #expect(try await till.payments().count == 1, "of the second attempt")
            #expect(try await till.shown(path)["account"]?["balance"]?.scalarText == "100.5")
        }
    }

    @Test("a request that Stripe does not take is nobody's failure, and holds nobody up")
    func rejected() async throws {
        try await Till.with { till in
            let path = try await till.bench.open()
            try await till.setTopUp(path)
            try await till.tell("script", ["provider": "stripe", "faults": ["invalid", "invalid"]])
            #expect(try await till.worker().look() == 1)
            let other = try await till.bench.open()
            try await till.setTopUp(other, customer: "cus_2")
            till.bench.clock.advance(seconds: 61)
            #expect(try await till.worker().look() == 1)
            #expect(try await till.payments("cus_2").count == 1)
            #expect(try await till.failures(path).isEmpty)
            #expect(try await till.shown(path)["topUp"]?["phase"] == "attempt_open")
            till.bench.clock.advance(seconds: 61)
            #expect(try await till.worker().look() == 0)
            #expect(try await till.payments().count == 1)
            #expect(try await till.shown(path)["account"]?["balance"]?.scalarText == "100.5")
        }
    }

    @Test("a bank's debit is waited for until it is through")
    func debit() async throws {
        try await Till.with { till in
            let path = try await till.bench.open()
            try await till.setTopUp(path, method: "pm_usBankAccount")
            try await till.tell("script", ["provider": "stripe", "jobMilliseconds": 86_400_000])
            #expect(try await till.worker().look() == 1)
            till.bench.clock.advance(seconds: 86_399)
            #expect(try await till.worker().look() == 0)
            #expect(try await till.shown(path)["topUp"]?["phase"] == "attempt_open")
            till.bench.clock.advance(seconds: 1)
            #expect(try await till.worker().look() == 0)
            let shown = try await till.shown(path)
            #expect(shown["topUp"]?["phase"] == "idle" && shown["account"]?["balance"]?.scalarText == "100.5")
            #expect(try await till.payments().count == 1)
        }
    }

    @Test(
        "prices are rounded to the nearest unit, and bounded",
        arguments: [
            ("1", 1_000, 1), ("0.000001", 1, 1), ("1.4", 1_000, 1), ("1.5", 1_000, 2), ("100000", 1_000, 100_000),
            ("99999999", 1_000, 99_999_999), ("100000000", 1_000, nil), ("9223372036854.775807", 1_000_000_000, nil),
        ] as [(String, Int64, Int64?)]
    )
    func prices(credits: String, perThousand: Int64, units: Int64?) throws {
        let price = try #require(CreditPrice(unitsPerThousandCredits: perThousand, currency: "usd"))
        #expect(price.units(for: try #require(Credits(decimal: credits))) == units)
        #expect(CreditPrice(unitsPerThousandCredits: 0, currency: "usd") == nil)
        #expect(CreditPrice(unitsPerThousandCredits: 1, currency: "USD") == nil)
    }
}
