public import Administration
public import AsyncHTTPClient
import Ledger
import LedgerStore
import NIOCore
import NIOHTTP1
import Registry

/// Stripe's payment intents, as topping up asks for them: a customer who is not there is charged, at once, or not at all.
///
/// Stripe answers a request whose idempotency key it knows as it did the first time, also with a 500, and forgets keys after
/// 24 hours. So whatever is not known is looked up first, among the customer's payments by their metadata, and asked for
/// again under the same key only while Stripe knows it.
///
/// Source: docs.stripe.com/api (idempotent requests, errors, payment intents), docs.stripe.com/error-low-level.
public struct StripePayments: PaymentProvider {
    /// The version of Stripe's API that is asked for.
    public static let apiVersion = "2026-10-28.endive"
    /// Where Stripe is.
    public static let url = "https://api.stripe.com"
    /// Seconds that a request may take.
    public static let timeoutSeconds: Int64 = 30
    /// Bytes that an answer may have: a hundred payments of some 5 kB each, and as much again.
    private static let largestAnswer = 1 << 20
    /// Pages of a hundred payments that are looked through for one.
    private static let mostPages = 10
    /// Seconds by which Stripe's clock may be behind ours.
    private static let clockSkewSeconds: Int64 = 3_600

    private let client: HTTPClient
    private let baseURL: String
    private let secretKey: String

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - client: sends the requests; must not follow redirects, nor send anything twice.
    ///   - baseURL: where Stripe is, without a slash at the end.
    ///   - secretKey: the secret key, `sk_…` or `rk_…`.
    public init(client: HTTPClient, baseURL: String = StripePayments.url, secretKey: String) {
        self.client = client
        self.baseURL = baseURL
        self.secretKey = secretKey
    }

    /// Asks for the payment of an attempt.
    public func charge(_ charge: TopUpCharge) async throws(PaymentFailure) -> PaymentOutcome {
        var request = HTTPClientRequest(url: baseURL + "/v1/payment_intents")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "Idempotency-Key", value: charge.attempt.description)
        request.body = .bytes(ByteBuffer(string: Self.form(Self.parameters(of: charge))))
        let answer = try await send(request)
        if let error = answer.body?["error"] { return try Self.outcome(of: error, status: answer.status) }
        guard answer.status == 200, let body = answer.body, let outcome = Self.outcome(of: body) else {
            throw PaymentFailure(.unknown, "status \(answer.status) without a payment")
        }
        return outcome
    }

    /// Looks for the payment of an attempt among those of its customer since it was started.
    public func outcome(of charge: TopUpCharge) async throws(PaymentFailure) -> PaymentOutcome? {
        let since = charge.startedAt.microseconds / 1_000_000 - Self.clockSkewSeconds
        var last: String?
        for _ in 0..<Self.mostPages {
            var query = [
                ("customer", charge.payment.method.customer), ("created[gte]", "\(since)"), ("limit", "100"),
            ]
            if let last { query.append(("starting_after", last)) }
            let request = HTTPClientRequest(url: "\(baseURL)/v1/payment_intents?\(Self.form(query))")
            let answer = try await send(request)
            if let error = answer.body?["error"] {
                // Nobody is charged who does not exist.
                if error["code"] == "resource_missing", error["param"] == "customer" { return nil }
                throw Self.failure(of: error, status: answer.status)
            }
            guard answer.status == 200, let intents = answer.body?["data"]?.arrayValue else {
                throw PaymentFailure(.unknown, "status \(answer.status) without a list of payments")
            }
            if let outcome = try Self.outcome(of: charge, among: intents) { return outcome }
            guard answer.body?["has_more"] == true else { return nil }
            last = intents.last?["id"]?.stringValue
        }
        throw PaymentFailure(.unknown, "the customer has too many payments to find one")
    }

    // MARK: Requests

    private static func parameters(of charge: TopUpCharge) -> [(String, String)] {
        [
            ("amount", "\(charge.payment.units)"), ("currency", charge.payment.currency),
            ("customer", charge.payment.method.customer), ("payment_method", charge.payment.method.method),
            ("off_session", "true"), ("confirm", "true"),
            // Nobody is there to be sent anywhere.
            ("automatic_payment_methods[enabled]", "true"), ("automatic_payment_methods[allow_redirects]", "never"),
            ("metadata[attempt]", charge.attempt.description), ("metadata[account]", charge.accountID.description),
            ("metadata[credits]", charge.amount.description),
        ]
    }

    private struct Answer {
        let status: UInt
        let body: JSONValue?
    }

    private func send(_ request: HTTPClientRequest) async throws(PaymentFailure) -> Answer {
        var request = request
        request.headers.add(name: "Authorization", value: "Bearer \(secretKey)")
        request.headers.add(name: "Stripe-Version", value: Self.apiVersion)
        do {
            let response = try await client.execute(request, timeout: .seconds(Self.timeoutSeconds))
            let bytes = try await response.body.collect(upTo: Self.largestAnswer)
            return Answer(status: response.status.code, body: try? JSONValue(parsing: bytes.readableBytesView))
        } catch let error as HTTPClientError {
            throw PaymentFailure(.unknown, "no answer: \(error.shortDescription)")
        } catch {
            // Its text might have the request in it.
            throw PaymentFailure(.unknown, "no answer: \(type(of: error))")
        }
    }

    private static func form(_ parameters: [(String, String)]) -> String {
        parameters.map { "\($0.0.percentEncoded)=\($0.1.percentEncoded)" }.joined(separator: "&")
    }
}
