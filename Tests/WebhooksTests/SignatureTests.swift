import Ledger
import LedgerStore
import TestSupport
import Testing

@testable import Webhooks

@Suite("Signatures and secrets of webhooks")
struct SignatureTests {
    @Test(
        "Published signatures",
        arguments: [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330,
                #"{"test": 2432232314}"#, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
            ),
            (
                "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=", "9876543210", 1_781_080_794,
                #"{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"#
                    + #""update_time":1781080794151}"#,
                "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="
            ),
        ] as [(String, String, Int64, String, String)]
    )
    func vectors(secret: String, id: String, seconds: Int64, body: String, expected: String) throws {
        let secret = try #require(WebhookSecret(secret))
        #expect(WebhookSignature.standard(Array(body.utf8), id: id, unixSeconds: seconds, secret: secret) == expected)
    }

    @Test(
        "Which secrets are taken",
        arguments: [
            ("0123456789abcdef", true), ("0123456789abcde", false), (String(repeating: "s", count: 256), true),
            (String(repeating: "s", count: 257), false), ("with a blank inside", false), ("sixteen-characteré", false),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true), ("whsec_not*base64*at*all*not", false),
            ("whsec_c2hvcnRrZXk=", false), ("whsec_" + String(repeating: "A", count: 88), false),
            ("whsec_-_8KQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw0", true),
        ]
    )
    func secrets(text: String, isTaken: Bool) { #expect((WebhookSecret(text) != nil) == isTaken, "\(text)") }

    @Test("Secrets that are made are long, each another, and the same in both alphabets of base64")
    func made() {
        var generator = SystemRandomNumberGenerator()
        let secrets = (0..<200).map { _ in WebhookSecret.make(using: &generator) }
        #expect(Set(secrets).count == 200)
        for secret in secrets {
            #expect(secret.text.wholeMatch(of: /whsec_[A-Za-z0-9]{44}/) != nil, "\(secret.text)")
            #expect(secret.standardKey.count == 33)
        }
    }

    @Test("Receivers' own libraries accept both signatures, and refuse a changed body or another time")
    func receivers() async throws {
        let script = """
            import sys, json, hmac, hashlib, base64, time
            from standardwebhooks.webhooks import Webhook, WebhookVerificationError
            for case in json.load(sys.stdin):
                body, headers, secret = case["body"], case["headers"], case["secret"]
                hook = Webhook(secret if secret.startswith("whsec_") else secret.encode())
                hook.verify(body, headers)
                for wrong in [(body + " ", headers), (body, dict(headers, **{"webhook-id": "msg_other"})),
                              (body, dict(headers, **{"webhook-timestamp": str(int(time.time()) - 301)}))]:
                    try:
                        hook.verify(*wrong)
                        print("accepted", wrong)
                    except WebhookVerificationError:
                        pass
                parts = dict(part.split("=", 1) for part in headers["x-knouds-signature"].split(","))
                digest = hmac.new(secret.encode(), (parts["t"] + "." + body).encode(), hashlib.sha256).hexdigest()
                print(hmac.compare_digest(digest, parts["v1"]), parts["t"] == headers["webhook-timestamp"])
            """
        var generator = SystemRandomNumberGenerator()
        let texts = [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "chosen-by-the-customer!",
            WebhookSecret.make(using: &generator).text,
        ]
        let now = Int64(SystemClock.now().microseconds / 1_000_000)
        let body = #"{"event":"execution.completed","result":{"text":["ü€😀"]}}"#
        let cases = try texts.map { text -> String in
            let secret = try #require(WebhookSecret(text))
            let headers = WebhookSignature.headers(Array(body.utf8), id: "msg_1", unixSeconds: now, secret: secret)
            let pairs = headers.map { "\"\($0.name)\":\"\($0.value)\"" }.joined(separator: ",")
            let escaped = body.replacing("\"", with: "\\\"")
            return #"{"secret":"\#(text)","body":"\#(escaped)","headers":{\#(pairs)}}"#
        }
        let output = try await PythonTools.run(script, input: "[\(cases.joined(separator: ","))]")
        #expect(output == String(repeating: "True True\n", count: 3))
    }
}

@Suite("When deliveries are tried again")
struct DeliveryScheduleTests {
    private func next(
        _ outcome: DeliverySchedule.Outcome,
        attempt: Int,
        age: Int64 = 0,
        fraction: Double = 0.5
    ) -> DeliverySchedule.Next {
        DeliverySchedule.next(after: outcome, attempt: attempt, ageSeconds: age, fraction: fraction)
    }

    @Test("Every 2xx is the end, 410 turns the webhook off, anything else is a failure", arguments: 100...599)
    func statuses(status: Int) {
        let next = next(.answered(status: status, retryAfterSeconds: nil), attempt: 1)
        switch status {
        case 200...299: #expect(next == .delivered)
        case 410: #expect(next == .disabled)
        case 429, 502, 504: #expect(next == .retry(afterSeconds: 10))
        default: #expect(next == .retry(afterSeconds: 5))
        }
    }

    @Test("Waits grow as published, and the ninth attempt is the last")
    func waits() {
        let waits = (1...9).map { next(.unanswered, attempt: $0) }
        let expected: [Int64] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000]
        #expect(waits == expected.map { .retry(afterSeconds: $0) } + [.failed])
    }

    @Test("Chance moves a wait by a tenth at most")
    func jitter() {
        #expect(next(.unanswered, attempt: 2, fraction: 0) == .retry(afterSeconds: 270))
        #expect(next(.unanswered, attempt: 2, fraction: 1) == .retry(afterSeconds: 330))
    }

    @Test("A receiver may ask for more time, but not for more than a day")
    func retryAfter() {
        #expect(next(.answered(status: 503, retryAfterSeconds: 60), attempt: 1) == .retry(afterSeconds: 60))
        #expect(next(.answered(status: 503, retryAfterSeconds: 1), attempt: 2) == .retry(afterSeconds: 300))
        #expect(next(.answered(status: 429, retryAfterSeconds: 9_999_999), attempt: 1) == .retry(afterSeconds: 86_400))
        #expect(next(.answered(status: 503, retryAfterSeconds: -5), attempt: 1) == .retry(afterSeconds: 5))
    }

    @Test("Nothing is tried more than 48 hours after the run's end")
    func horizon() {
        #expect(next(.unanswered, attempt: 8, age: 172_800 - 100) == .retry(afterSeconds: 100))
        #expect(next(.unanswered, attempt: 3, age: 172_800) == .failed)
    }
}
