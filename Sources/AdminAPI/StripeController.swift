public import Administration
import HTTPTypes
import Hummingbird
public import Ledger
import NIOCore
import Registry
import RunAPI

/// Where Stripe sends its events to: whose secret they are signed with, and who takes them.
public struct StripeEndpoint: Sendable {
    let secret: String
    let desk: PaymentDesk
    let clock: @Sendable () -> Timestamp

    /// Makes an endpoint.
    ///
    /// - Parameters:
    ///   - secret: the endpoint's secret, `whsec_` included.
    ///   - desk: takes the events.
    ///   - clock: the wall clock.
    public init(secret: String, desk: PaymentDesk, clock: @escaping @Sendable () -> Timestamp) {
        self.secret = secret
        self.desk = desk
        self.clock = clock
    }
}

/// `POST /admin/payments/stripe`: Stripe's webhook. Its signature lets it in, no token does.
struct StripeController {
    /// Stripe's events are smaller by far.
    private static let largestBodyBytes = 1 << 20

    let endpoint: StripeEndpoint

    func addRoutes(to router: Router<APIContext>) {
        let path: RouterPath = "/admin/payments/stripe"
        router.post(path) { request, context in try await take(request, context) }
        router.refuseMethods(of: path, except: [.post])
    }

    private func take(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = Array(buffer: try await request.wholeBody(upTo: Self.largestBodyBytes))
        let header = HTTPField.Name("Stripe-Signature").flatMap { request.headers[$0] }
        do throws(StripeSignature.Fault) {
            try StripeSignature.check(
                header ?? "",
                body: body,
                secret: endpoint.secret,
                at: endpoint.clock().microseconds / 1_000_000
            )
        } catch {
            throw APIError(
                status: .badRequest,
                code: "INVALID_STRIPE_SIGNATURE",
                message: "The event can't be taken: \(error.rawValue)"
            )
        }
        guard let event = (try? JSONValue(parsing: body)).flatMap({ StripeEvent($0) }) else {
            throw APIError(
                status: .badRequest,
                code: "INVALID_BODY",
                message: "The body must be an event with id, type and data.object"
            )
        }
        let answer = try await answering { () async throws(AdminFailure) in
            try await endpoint.desk.take(event, requestID: context.requestID)
        }
        switch answer {
        case .taken(let record, let isRepeat):
            return AdminAPI.respond(
                .ok,
                [("received", .bool(true)), ("repeated", .bool(isRepeat)), ("event", .payment(record))]
            )
        case .tooEarly:
            throw APIError(
                status: .conflict,
                code: "PAYMENT_NOT_FOUND",
                message: "No event has told of the payment yet; send this one again later"
            )
        }
    }
}
