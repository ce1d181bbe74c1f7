import AsyncHTTPClient
import Crypto
import Foundation
import Glibc
import Ledger
import LocalCluster
import NIOCore
import NIOHTTP1
import Registry
import TestSupport
import Testing

/// Goal: whatever happens to the service, to the payment provider's answers, or to the order in which things are told, an
/// attempt is one payment, and a payment buys its credits once.
///
/// Method: services as in production, and the simulator in Stripe's place, which keeps its own list of payments.
@Suite("topping up by services", .timeLimit(.minutes(5)))
struct TopUpTests {
    private static let token = "an-admin-token-of-32-characters!"
    private static let webhookSecret = "whsec_0123456789abcdef"
    private static let settings = [
        "RUNLEDGER_ADMIN_TOKEN": token, "RUNLEDGER_STRIPE_WEBHOOK_SECRET": webhookSecret,
        "RUNLEDGER_STRIPE_SECRET_KEY": "sk_test_0123456789abcdef", "RUNLEDGER_STRIPE_CURRENCY": "usd",
        "RUNLEDGER_STRIPE_UNITS_PER_1000_CREDITS": "5000", "RUNLEDGER_TOP_UP_SECONDS": "1",
        "RUNLEDGER_METRICS_PORT": "0",
    ]

    /// Services with a till.
    private struct Shop {
        let stack: Stack
        let url: String

        /// Asks the operators' API.
        func ask(_ method: HTTPMethod, _ url: String, _ body: String = "") async throws -> JSONValue {
            var request = HTTPClientRequest(url: url)
            request.method = method
            request.headers.add(name: "Authorization", value: "Bearer \(TopUpTests.token)")
            if !body.isEmpty { request.body = .bytes(ByteBuffer(string: body)) }
            let response = try await stack.http.execute(request, timeout: .seconds(60))
            let bytes = try await response.body.collect(upTo: 1 << 20)
            #expect(response.status == .ok, "\(url): \(String(buffer: bytes))")
            return try JSONValue(parsing: bytes.readableBytesView)
        }

        /// Opens an account that is topped up by ten credits when it has fewer than two.
        func open(_ customer: String, method: String = "pm_card_visa", credits: Int64 = 0) async throws -> Customer {
            let account = try await stack.openAccount(credits: credits)
            let rules = """
                {"threshold":2,"amount":10,"attemptsPerDay":3,"failuresToOpen":2,"customer":"\(customer)",\
                "paymentMethod":"\(method)"}
                """
            _ = try await ask(.PUT, "\(url)/admin/accounts/\(account.account)/top-up", rules)
            return account
        }

        func balance(_ customer: Customer) async throws -> Credits? {
            try await stack.state(of: customer).account?.posted
        }

        /// What the simulated Stripe has of its customer.
        func payments(_ customer: String) async throws -> [JSONValue] {
            let base = "http://127.0.0.1:\(stack.simulatorPort)/stripe/v1/payment_intents"
            return try await ask(.GET, "\(base)?limit=100&customer=\(customer)")["data"]?.arrayValue ?? []
        }

        /// The only payment that the simulated Stripe is asked for by its customer.
        func payment(_ customer: String) async throws -> JSONValue {
            try await eventually("a payment of \(customer)") { try await !payments(customer).isEmpty }
            return try await payments(customer)[0]
        }

        /// How many events of a type an account has.
        func count(_ type: String, _ customer: Customer) async throws -> Int {
            let sql = "SELECT count(*) FROM ledger.events WHERE account_id = '\(customer.account)' AND type = '\(type)'"
            return try await stack.rows(sql).first?.first.flatMap { Int($0) } ?? -1
        }

        /// Looks that an account has had one payment, and ten credits of it.
        func expectOnePayment(_ customer: Customer, of name: String) async throws {
            try await eventually("ten credits of \(name)") { try await balance(customer) == Credits(whole: 10) }
            #expect(try await payments(name).map { $0["amount"] } == [50])
            for type in ["top_up.started", "top_up.paid", "credits.added"] {
                #expect(try await count(type, customer) == 1, "\(type) of \(name)")
            }
        }

        /// Tells a service of a payment, as Stripe does.
        func tell(_ payment: JSONValue, id: String) async throws {
            let seconds = Int64(Date().timeIntervalSince1970)
            let type = "payment_intent.succeeded"
            let event: JSONValue = [
                "id": .string(id), "type": .string(type), "created": .integer(seconds), "data": ["object": payment],
            ]
            let key = SymmetricKey(data: Array(TopUpTests.webhookSecret.utf8))
            let code = HMAC<SHA256>.authenticationCode(for: Array("\(seconds).\(event)".utf8), using: key)
            let signature = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            var request = HTTPClientRequest(url: "\(url)/admin/payments/stripe")
            request.method = .POST
            request.headers.add(name: "Stripe-Signature", value: "t=\(seconds),v1=\(signature)")
            request.body = .bytes(ByteBuffer(string: event.description))
            let response = try await stack.http.execute(request, timeout: .seconds(60))
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            #expect(response.status == .ok, "\(text)")
        }

        func slow(milliseconds: Int64) async throws {
            try await stack.script(["provider": "stripe", "latencyMilliseconds": .integer(milliseconds)])
        }
    }

    @Test(
        "two services, lost answers, a webhook that is faster and a kill -9 in mid-payment: each attempt is one payment"
    )
    func onePayment() async throws {
        try await Stack.with { stack in
            let services = [
                try await stack.startService(environment: Self.settings),
                try await stack.startService(environment: Self.settings),
            ]
            let shop = Shop(stack: stack, url: services[0].url)
            // A run takes the balance below the threshold.
            let runner = try await shop.open("cus_run", credits: 2)
            #expect(await stack.send(Call(customer: runner), to: shop.url).summary == "200")
            try await eventually("credits") { try await shop.balance(runner) == Credits(whole: 11) }
            #expect(try await shop.payments("cus_run").count == 1)
            #expect(try await shop.count("top_up.started", runner) == 1)

            try await stack.script(["provider": "stripe", "faults": ["rateLimit", "drop"]])
            try await shop.expectOnePayment(try await shop.open("cus_lost"), of: "cus_lost")

            try await shop.slow(milliseconds: 1_500)
            let told = try await shop.open("cus_told")
            let payment = try await shop.payment("cus_told")
            async let first: Void = shop.tell(payment, id: "evt_1")
            async let second: Void = shop.tell(payment, id: "evt_2")
            _ = try await (first, second)
            try await shop.expectOnePayment(told, of: "cus_told")
            try await shop.tell(payment, id: "evt_1")
            try await shop.tell(["metadata": ["account": "nobody", "attempt": "none"]], id: "evt_3")
            let scrape = try await stack.scrape(try await MetricsTests.metricsURL(of: services[0]))
            let events = scrape.values("runledger_payment_events_total", by: "outcome").filter { $0.value != 0 }
            #expect(events == ["applied": 2, "repeated": 1, "refused": 1])

            try await shop.slow(milliseconds: 20_000)
            let killed = try await shop.open("cus_killed")
            _ = try await shop.payment("cus_killed")
            for service in services { await service.process.stop(SIGKILL) }
            #expect(try await shop.count("top_up.started", killed) == 1)
            #expect(try await shop.count("top_up.paid", killed) == 0)
            try await shop.slow(milliseconds: 0)
            let next = try await stack.startService(environment: Self.settings)
            try await shop.expectOnePayment(killed, of: "cus_killed")
            try await shop.expectOnePayment(told, of: "cus_told")
            #expect(await next.process.stop() == .exited(code: 0))
            #expect(!services.contains { $0.process.log.contains("sk_test_0123456789") })
            #expect(try await stack.verify()["clean"] == true)
        }
    }

    @Test("a refused card opens the breaker and is charged no more; settings that can't be taken are refused by name")
    func refusals() async throws {
        try await Stack.with { stack in
            let service = try await stack.startService(environment: Self.settings)
            let shop = Shop(stack: stack, url: service.url)
            let refused = try await shop.open("cus_refused", method: "pm_card_chargeDeclinedInsufficientFunds")
            try await eventually("the breaker opens") { try await shop.count("top_up.failed", refused) == 2 }
            // Whoever is paid now was looked at after that.
            for name in ["cus_1", "cus_2"] { try await shop.expectOnePayment(try await shop.open(name), of: name) }
            #expect(try await shop.payments("cus_refused").count == 2)
            #expect(try await shop.count("top_up.started", refused) == 2)
            let alerts = try await shop.ask(.GET, "\(shop.url)/admin/alerts")["alerts"]?.arrayValue ?? []
            #expect(alerts.map { $0["account"]?.stringValue } == [refused.account.description])
            let metrics = try await MetricsTests.metricsURL(of: service)
            // An account is looked at before it is counted.
            try await eventually("the breaker is counted") {
                try await stack.scrape(metrics)["runledger_top_up_breakers_open", [:]] == 1
            }
            let scrape = try await stack.scrape(metrics)
            #expect(scrape.values("runledger_top_ups_total", by: "outcome") == ["paid": 2, "failed": 2])
            let charges = scrape.values("runledger_payment_calls_total", by: "outcome", ["operation": "charge"])
            #expect(charges == ["paid": 2, "failed": 2])
            #expect(await service.process.stop() == .exited(code: 0))
            for (setting, value, words) in Self.badSettings {
                let environment = Self.settings.merging([setting: value]) { $1 }
                let result = try await Program.run(
                    ["serve", "--port", "0", "--models", "\(Program.sources)/models"],
                    databaseURL: stack.databaseURL,
                    environment: environment.merging(
                        ["RUNLEDGER_SIMULATOR_URL": "http://127.0.0.1:\(stack.simulatorPort)"]
                    ) { $1 }
                )
                #expect(
                    result.exit != .exited(code: 0) && result.output.contains(words),
                    "\(setting): \(result.output)"
                )
                #expect(!result.output.contains("0123456789"), "a secret is nowhere")
            }
        }
    }

    private static let badSettings = [
        ("RUNLEDGER_STRIPE_SECRET_KEY", "pk_test_0123456789abcdef", "RUNLEDGER_STRIPE_SECRET_KEY must begin with sk_"),
        ("RUNLEDGER_STRIPE_SECRET_KEY", "", "RUNLEDGER_STRIPE_CURRENCY needs RUNLEDGER_STRIPE_SECRET_KEY"),
        ("RUNLEDGER_STRIPE_SECRET_KEY", "sk_live_0123456789abcdef", "RUNLEDGER_STRIPE_SECRET_KEY is no test key"),
        ("RUNLEDGER_STRIPE_CURRENCY", "USD", "RUNLEDGER_STRIPE_CURRENCY must be three lower-case letters"),
        ("RUNLEDGER_STRIPE_UNITS_PER_1000_CREDITS", "0.5", "RUNLEDGER_STRIPE_UNITS_PER_1000_CREDITS must be a whole"),
        ("RUNLEDGER_STRIPE_URL", "stripe.example", "RUNLEDGER_STRIPE_URL must be an http or https URL"),
        ("RUNLEDGER_TOP_UP_SECONDS", "0", "RUNLEDGER_TOP_UP_SECONDS must be a whole number from 1 to 3600"),
    ]
}
