import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Registry
import Runs

/// An answer that is no success: status, code, words, and what else it carries (api-contract, section 8.4).
struct APIError: Error {
    var status: HTTPResponse.Status
    var code: String
    var message: String
    var context: [(key: String, value: JSONValue)] = []
    var headers = HTTPFields()

    /// The response, in the form that the client asked for.
    func response(to request: Request, requestID: Ledger.RequestID) -> Response {
        let (fields, body) = parts(isProblem: request.prefersProblem, requestID: requestID)
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// The headers and the body, as RFC 9457 has them besides if `isProblem`.
    func parts(isProblem: Bool, requestID: Ledger.RequestID) -> (headers: HTTPFields, body: [UInt8]) {
        var members: [(key: String, value: JSONValue)] = [
            ("success", .bool(false)), ("error", .string(message)), ("code", .string(code)),
            ("requestId", .string(requestID.description)),
        ]
        members += context
        if isProblem {
            members += [
                ("type", .string("about:blank")), ("title", .string(status.reasonPhrase)),
                ("status", .integer(Int64(status.code))), ("detail", .string(message)),
                ("instance", .string("urn:uuid:\(requestID)")),
            ]
        }
        var fields = headers
        fields[.contentType] = isProblem ? "application/problem+json" : "application/json"
        return (fields, JSONText.object(members))
    }
}

/// JSON whose members have a given order.
enum JSONText {
    /// An object.
    static func object(_ members: [(key: String, value: JSONValue)]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        bytes.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONValue.string(member.key).appendCanonical(to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            member.value.appendCanonical(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}

extension ResponseBody {
    /// An object with its members in the given order.
    init(json members: [(key: String, value: JSONValue)]) {
        self.init(byteBuffer: ByteBuffer(bytes: JSONText.object(members)))
    }
}

extension JSONValue {
    /// Credits as a JSON number with at most six decimals (api-contract, section 8.9).
    static func credits(_ credits: Credits) -> JSONValue { .decimal(credits.description) }

    /// A moment as RFC 3339 with microseconds, in UTC.
    static func time(_ moment: Timestamp?) -> JSONValue { moment.map { .string($0.rfc3339) } ?? .null }
}

extension APIError {
    static let unauthorized = APIError(
        status: .unauthorized,
        code: "UNAUTHORIZED",
        message: "Unauthorized: send an active API key in the x-api-key header"
    )

    static let notFound = APIError(status: .notFound, code: "NOT_FOUND", message: "There is nothing at this path")

    static func methodNotAllowed(allow: String) -> APIError {
        APIError(
            status: .methodNotAllowed,
            code: "METHOD_NOT_ALLOWED",
            message: "This path takes \(allow) only",
            headers: [.allow: allow]
        )
    }

    static let bodyTooLarge = APIError(
        status: .contentTooLarge,
        code: "BODY_TOO_LARGE",
        message: "The body is larger than 1,048,576 bytes",
        context: [("limit", .integer(1 << 20))]
    )

    static let unreadable = APIError(
        status: .badRequest,
        code: "BAD_REQUEST",
        message: "The request can't be read as HTTP with a JSON body"
    )

    static let overloaded = APIError(
        status: .serviceUnavailable,
        code: "OVERLOADED",
        message: "The service can't take more runs now; nothing was dispatched",
        headers: [.retryAfter: "1"]
    )

    static let ledgerUnavailable = APIError(
        status: .serviceUnavailable,
        code: "LEDGER_UNAVAILABLE",
        message: "The ledger can't be reached; nothing was dispatched that it does not know of",
        headers: [.retryAfter: "2"]
    )

    /// The answer when a question could not be put to the ledger.
    static func unread(_ failure: LedgerFailure) -> APIError {
        var error = APIError(failure)
        error.message = "The ledger can't be asked now; nothing was changed that it does not know of"
        return error
    }

    static let internalError = APIError(
        status: .internalServerError,
        code: "INTERNAL_ERROR",
        message: "Something went wrong on our side"
    )
}

extension HTTPField.Name {
    static var rateLimit: Self { HTTPField.Name(known: "RateLimit") }
    static var rateLimitPolicy: Self { HTTPField.Name(known: "RateLimit-Policy") }
    static var rateLimitLimit: Self { HTTPField.Name(known: "X-RateLimit-Limit") }
    static var rateLimitRemaining: Self { HTTPField.Name(known: "X-RateLimit-Remaining") }
    static var rateLimitReset: Self { HTTPField.Name(known: "X-RateLimit-Reset") }
    static var preferenceApplied: Self { HTTPField.Name(known: "Preference-Applied") }
    static var idempotencyKey: Self { HTTPField.Name(known: "Idempotency-Key") }
    static var idempotencyReplayed: Self { HTTPField.Name(known: "Idempotency-Replayed") }
    static var requestID: Self { HTTPField.Name(known: "X-Request-Id") }
    static var traceparent: Self { HTTPField.Name(known: "traceparent") }
    static var tracestate: Self { HTTPField.Name(known: "tracestate") }
    static var apiKey: Self { HTTPField.Name(known: "x-api-key") }

    private init(known name: String) {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is a header name") }
        self = field
    }
}
