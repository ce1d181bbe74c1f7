public import Administration
import HTTPTypes
import Hummingbird
public import Ledger
import LedgerStore
import NIOCore
import Registry
import RunAPI

/// Where Stripe sends its events to: whose secret they are signed with, and who takes them.
public struct StripeEndpoint: Sendable {
    let secret: String
    let desk: PaymentDesk
    let clock: @Sendable () -> Timestamp
    let note: @Sendable (Outcome) -> Void

    /// What became of a request.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// It did what it asks for.
        case applied
        /// It asks for nothing.
        case ignored
        /// It asks for something that was not done: credits that were paid may be missing.
        case refused
        /// It was taken before.
        case repeated
        /// It is about a payment that is not known yet, and comes again.
        case early
        /// It is no event that Stripe has signed.
        case invalid
    }

    /// Makes an endpoint.
    ///
    /// - Parameters:
    ///   - secret: the endpoint's secret, `whsec_` included.
    ///   - desk: takes the events.
    ///   - clock: the wall clock.
    ///   - note: is told what became of each request.
    public init(
        secret: String,
        desk: PaymentDesk,
        clock: @escaping @Sendable () -> Timestamp,
        note: @escaping @Sendable (Outcome) -> Void = { _ in }
    ) {
        self.secret = secret
        self.desk = desk
        self.clock = clock
        self.note = note
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
            endpoint.note(.invalid)
            throw APIError(
                status: .badRequest,
                code: "INVALID_STRIPE_SIGNATURE",
                message: "The event can't be taken: \(error.rawValue)"
            )
        }
        guard let event = (try? JSONValue(parsing: body)).flatMap({ StripeEvent($0) }) else {
            endpoint.note(.invalid)
            throw APIError(
                status: .badRequest,
                code: "INVALID_BODY",
                message: "The body must be an event with id, type and data.object"
            )
        }
        let answer = try await answering { () async throws(AdminFailure) in
            try await endpoint.desk.take(event, requestID: context.requestID)
        }
        endpoint.note(answer.outcome)
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

extension PaymentDesk.Answer {
    fileprivate var outcome: StripeEndpoint.Outcome {
        guard case .taken(let record, let isRepeat) = self else { return .early }
        if isRepeat { return .repeated }
        return switch record.outcome {
        case .applied: .applied
        case .ignored: .ignored
        case .refused: .refused
        }
    }
}
