import Administration
import Crypto
import Foundation
import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import TestSupport
import Testing

/// Events as Stripe sends them, signed.
struct StripeSender {
    let bench: AdminBench
    var secret = AdminBench.stripeSecret
    /// Seconds that the signature's time is away from ours.
    var shift: Int64 = 0

    static func sign(_ body: String, _ seconds: Int64, _ secret: String) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(seconds).\(body)".utf8), using: key)
        return code.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// An event's body.
    func body(_ id: String, _ type: String, _ object: String) -> String {
        let created = bench.clock.now.microseconds / 1_000_000
        return #"{"id":"\#(id)","type":"\#(type)","created":\#(created),"data":{"object":\#(object)}}"#
    }

    func send(times: Int = 1, _ id: String, _ type: String, _ object: String) async throws -> [AdminBench.Answer] {
        let body = body(id, type, object)
        let seconds = bench.clock.now.microseconds / 1_000_000 + shift
        let header = "t=\(seconds),v1=\(Self.sign(body, seconds, secret))"
        return try await bench.ask(
            times: times,
            .post,
            "/admin/payments/stripe",
            body,
            headers: [("stripe-signature", header)]
        )
    }

    /// Sends one event, which must be taken with an outcome.
    func send(_ id: String, _ type: String, _ object: String, expecting outcome: String) async throws {
        let answer = try #require(try await send(id, type, object).first)
        #expect(answer.status == 200 && answer.json["event"]?["outcome"]?.stringValue == outcome, "\(id): \(answer)")
    }
}

@Suite("Signatures of Stripe")
struct StripeSignatureTests {
    private let body = Array(#"{"id":"evt_1"}"#.utf8)
    private let secret = AdminBench.stripeSecret

    private func fault(_ header: String, at seconds: Int64 = 1_000, body: [UInt8]? = nil) -> StripeSignature.Fault? {
        do throws(StripeSignature.Fault) {
            try StripeSignature.check(header, body: body ?? self.body, secret: secret, at: seconds)
            return nil
        } catch {
            return error
        }
    }

    @Test("one of several signatures is enough, within 300 seconds")
    func accepted() {
        let code = StripeSender.sign(String(decoding: body, as: UTF8.self), 1_000, secret)
        let other = String(repeating: "0", count: 64)
        #expect(fault("t=1000,v1=\(code)") == nil)
        #expect(fault("t=1000,v1=\(other),v1=\(code),v0=abc") == nil)
        #expect(fault("v1=\(code), t=1000") == nil)
        #expect(fault("t=1000,v1=\(code)", at: 1_300) == nil)
        #expect(fault("t=1000,v1=\(code)", at: 700) == nil)
        #expect(fault("t=1000,v1=\(code)", at: 1_301) == .outsideTolerance)
        #expect(fault("t=1000,v1=\(code)", at: 699) == .outsideTolerance)
        #expect(fault("t=9223372036854775807,v1=\(code)") == .outsideTolerance)
        #expect(fault("t=1001,v1=\(code)") == .mismatch)
        #expect(fault("t=1000,v1=\(code)", body: body + [32]) == .mismatch)
        #expect(fault("t=1000,v1=\(other)") == .mismatch)
        for header in ["", "t=1000", "v1=\(code)", "t=x,v1=\(code)", "t=1000,v1=12", "t=1000,v0=\(code)", "t,v1"] {
            #expect(fault(header) == .malformed, "\(header)")
        }
    }

    @Test("Stripe's own library and ours agree on what is genuine")
    func library() async throws {
        let script = """
            import sys, json, stripe
            body, secret, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
            sign = stripe.WebhookSignature._compute_signature
            header = "t=%d,v1=%s" % (seconds, sign("%d.%s" % (seconds, body), secret))
            ours = sys.argv[4]
            stripe.Webhook.construct_event(body, ours, secret, tolerance=None)
            try:
                stripe.Webhook.construct_event(body + " ", ours, secret, tolerance=None)
                sys.exit("a changed body was taken")
            except stripe.SignatureVerificationError:
                pass
            print(header)
            """
        let body = #"{"id":"evt_1","object":"event","type":"ping","data":{"object":{}},"name":"é €"}"#
        let ours = "t=1000,v1=\(StripeSender.sign(body, 1_000, secret))"
        let header = try await PythonTools.run(script, [body, secret, "1000", ours])
        #expect(header.trimmingCharacters(in: .whitespacesAndNewlines) == ours)
        #expect(fault(header.trimmingCharacters(in: .whitespacesAndNewlines), body: Array(body.utf8)) == nil)
    }
}

@Suite("Events of Stripe", .database(LedgerDatabase.template(journals: 3)))
struct StripeTests {
    private func balance(_ bench: AdminBench, _ path: String) async throws -> String? {
        try await bench.ask(.get, path).json["account"]?["balance"]?.scalarText
    }

    @Test("a paid checkout adds its credits once, though it is told 64 times at once and again later")
    func checkout() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let stripe = StripeSender(bench: bench)
            let object = """
                {"id":"cs_1","mode":"payment","payment_status":"paid","payment_intent":"pi_1",\
                "metadata":{"account":"\(path.suffix(36))","credits":"250.5","expires_days":"30"}}
                """
            let answers = try await stripe.send(times: 64, "evt_1", "checkout.session.completed", object)
            #expect(answers.allSatisfy { $0.status == 200 })
            let later = try #require(try await stripe.send("evt_1", "checkout.session.completed", object).first)
            #expect(later.json["repeated"] == true && later.json["event"]?["outcome"] == "applied")
            // The same checkout under another event's id.
            try await stripe.send("evt_2", "checkout.session.completed", object, expecting: "applied")
            #expect(try await balance(bench, path) == "250.5")
            let pot = try await bench.ask(.get, path).json["pots"]?.arrayValue?.first
            #expect(pot?["reference"] == "pi_1" && pot?["kind"] == "top_up")
            let events = try await bench.store.allEvents(of: bench.id(path))
            #expect(events.count == 2)
            #expect(events.last?.content.detail?["actor"]?.stringValue == "payments:stripe")
            let expiry = bench.clock.now.adding(seconds: 30 * 86_400)
            let day = Int64(86_400_000_000)
            let at = events.last?.content.detail?["expires"]?.integerValue ?? 0
            #expect(abs(at - expiry.microseconds) < day)
        }
    }

    @Test("a checkout that is paid days later adds its credits then, once, though it is told twice")
    func paidLater() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let stripe = StripeSender(bench: bench)
            func object(_ status: String) -> String {
                """
                {"id":"cs_1","mode":"payment","payment_status":"\(status)","payment_intent":"pi_1",\
                "metadata":{"account":"\(path.suffix(36))","credits":"250"}}
                """
            }
            try await stripe.send("evt_1", "checkout.session.completed", object("unpaid"), expecting: "ignored")
            #expect(try await balance(bench, path) == "0")
            bench.clock.advance(seconds: 3 * 86_400)
            for id in ["evt_2", "evt_3"] {
                let type = "checkout.session.async_payment_succeeded"
                try await stripe.send(id, type, object("paid"), expecting: "applied")
            }
            #expect(try await balance(bench, path) == "250")
        }
    }

    @Test("a paid invoice renews the plan for its period, once, and keeps what was bought")
    func invoice() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open("pro")
            _ = try await bench.ask(.post, path + "/credits", #"{"amount":10,"reference":"a"}"#)
            let stripe = StripeSender(bench: bench)
            func object(_ id: String, _ start: Int64) -> String {
                """
                {"id":"\(id)","billing_reason":"subscription_cycle","lines":{"data":[{"period":{"start":\(start),\
                "end":\(start + 2_592_000)}}]},"parent":{"subscription_details":{"metadata":\
                {"account":"\(path.suffix(36))"}}}}
                """
            }
            let start = bench.clock.now.microseconds / 1_000_000
            try await stripe.send("evt_1", "invoice.paid", object("in_1", start), expecting: "applied")
            #expect(try await balance(bench, path) == "5010")
            try await stripe.send("evt_2", "invoice.paid", object("in_1", start), expecting: "applied")
            try await stripe.send("evt_3", "invoice.paid", object("in_2", start), expecting: "applied")
            #expect(try await balance(bench, path) == "5010")
            try await stripe.send("evt_4", "invoice.paid", object("in_3", start + 86_400), expecting: "applied")
            #expect(try await balance(bench, path) == "5010")
            #expect(
                try await bench.store.allEvents(of: bench.id(path)).count { $0.content.type == .creditsExpired } == 1
            )
        }
    }

    @Test("a refund takes back its share, as far as it is there, and notes what is not")
    func refunds() async throws {
        try await AdminBench.with { bench in
            let tenant = try await Tenant.open(in: bench.store)
            let path = "/admin/accounts/\(tenant.account)"
            let stripe = StripeSender(bench: bench)
            func charge(_ refunded: Int64) -> String {
                #"{"id":"ch_1","payment_intent":"pi_1","amount":1000,"amount_refunded":\#(refunded)}"#
            }
            let named =
                #"{"id":"ch_9","payment_intent":"pi_9","amount":5,"amount_refunded":5,"metadata":{"account":"\#(tenant.account)"}}"#
            let early = try #require(try await stripe.send("evt_0", "charge.refunded", named).first)
            #expect(early.status == 409 && early.code == "PAYMENT_NOT_FOUND", "\(early)")
            try await stripe.send("evt_1", "charge.refunded", charge(100), expecting: "ignored")

            let bought = #"{"amount":100,"reference":"pi_1"}"#
            #expect(try await bench.ask(.post, path + "/credits", bought).status == 201)
            try await stripe.send("evt_2", "charge.refunded", charge(250), expecting: "applied")
            #expect(try await balance(bench, path) == "75")
            // An earlier event that comes late.
            try await stripe.send("evt_3", "charge.refunded", charge(200), expecting: "applied")
            #expect(try await balance(bench, path) == "75")
            // What a run has on hold is not there.
            let run = tenant.newExecution()
            _ = try await bench.store.submit(tenant.admit(run, quote: Credits(whole: 60)))
            _ = try await bench.ask(.post, path + "/credits", #"{"amount":20,"reference":"other"}"#)
            try await stripe.send("evt_4", "charge.refunded", charge(1_000), expecting: "applied")
            let shown = try await bench.ask(.get, path).json
            #expect(shown["account"]?["balance"] == 60 && shown["account"]?["available"] == 0, "\(shown)")
            #expect(shown["short"] == 40)
            #expect(bench.notices.types == [.creditsShort])
            _ = try await bench.store.submit(tenant.succeed(run, cost: Credits(whole: 60)))
            #expect(try await balance(bench, path) == "0")
        }
    }

    @Test("what is not acted upon is taken and recorded, with the reason")
    func recorded() async throws {
        try await AdminBench.with { bench in
            let path = try await bench.open()
            let account = String(path.suffix(36))
            let stripe = StripeSender(bench: bench)
            let cases: [(String, String, String, String)] = [
                ("customer.created", "{}", "ignored", "not a type"),
                ("checkout.session.completed", #"{"id":"c","payment_status":"unpaid"}"#, "ignored", "not paid yet"),
                ("checkout.session.completed", #"{"id":"c","mode":"subscription"}"#, "ignored", "invoices count"),
                ("checkout.session.completed", #"{"id":"c"}"#, "ignored", "no account"),
                (
                    "checkout.session.completed", #"{"id":"c","metadata":{"account":"x"}}"#, "refused",
                    "metadata.account"
                ),
                (
                    "checkout.session.completed", #"{"id":"c","metadata":{"account":"\#(account)","credits":"-5"}}"#,
                    "refused", "metadata.credits"
                ),
                (
                    "checkout.session.completed",
                    #"{"id":"c","metadata":{"account":"\#(account)","credits":"5","expires_days":"9999"}}"#, "refused",
                    "metadata.expires_days"
                ),
                (
                    "checkout.session.completed",
                    #"{"id":"c","metadata":{"account":"019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50","credits":"5"}}"#,
                    "refused", "ACCOUNT_NOT_FOUND"
                ),
                ("invoice.paid", #"{"id":"i","billing_reason":"manual"}"#, "ignored", "not the invoice"),
                ("invoice.paid", #"{"id":"i","metadata":{"account":"\#(account)"}}"#, "refused", "no period"),
                ("payment_intent.succeeded", #"{"id":"p"}"#, "ignored", "no attempt"),
                (
                    "payment_intent.payment_failed",
                    #"{"id":"p","metadata":{"account":"\#(account)","attempt":"\#(account)"}}"#, "refused",
                    "TOP_UP_NOT_FOUND"
                ),
                ("charge.refunded", #"{"id":"c","amount":1,"amount_refunded":2}"#, "refused", "no amounts"),
            ]
            for (number, (type, object, outcome, detail)) in cases.enumerated() {
                let answer = try #require(try await stripe.send("evt_\(number)", type, object).first)
                let event = answer.json["event"]
                #expect(answer.status == 200 && event?["outcome"]?.stringValue == outcome, "\(type): \(answer)")
                #expect(event?["detail"]?.stringValue?.contains(detail) == true, "\(type): \(answer)")
            }
            let kept = try await bench.ask(.get, "/admin/payments").json["payments"]?.arrayValue
            #expect(kept?.count == cases.count)
            #expect(try await bench.store.allEvents(of: bench.id(path)).count == 1)
        }
    }

    @Test("what is not signed, or too late, or no event, is refused and not recorded")
    func refused() async throws {
        try await AdminBench.with { bench in
            var stripe = StripeSender(bench: bench)
            stripe.secret = "whsec_another"
            var answer = try #require(try await stripe.send("evt_1", "ping", "{}").first)
            #expect(answer.status == 400 && answer.code == "INVALID_STRIPE_SIGNATURE", "\(answer)")
            stripe = StripeSender(bench: bench, shift: -301)
            answer = try #require(try await stripe.send("evt_1", "ping", "{}").first)
            #expect(answer.code == "INVALID_STRIPE_SIGNATURE" && answer.text.contains("300 seconds"))
            answer = try await bench.ask(.post, "/admin/payments/stripe", "{}")
            #expect(answer.code == "INVALID_STRIPE_SIGNATURE", "a token is no signature")
            stripe = StripeSender(bench: bench)
            answer = try #require(try await stripe.send("", "ping", "{}").first)
            #expect(answer.status == 400 && answer.code == "INVALID_BODY")
            answer = try #require(try await stripe.send("evt_1", "ping", "7").first)
            #expect(answer.code == "INVALID_BODY")
            #expect(try await bench.ask(.get, "/admin/payments/stripe").status == 405)
            #expect(try await count("SELECT count(*) FROM ledger.payment_events") == 0)
        }
    }
}
