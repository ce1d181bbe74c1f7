package import HTTPTypes
package import Hummingbird
package import Ledger
import NIOCore
package import Registry
package import Runs

/// An answer that is no success: status, code, words, and what else it carries (api-contract, section 8.4).
package struct APIError: Error {
    package var status: HTTPResponse.Status
    package var code: String
    package var message: String
    package var context: [(key: String, value: JSONValue)]
    package var headers: HTTPFields
    /// What kind of problem RFC 9457 knows it as, and what that kind has besides.
    package var problemType = "about:blank"
    package var problemContext: [(key: String, value: JSONValue)] = []

    /// Makes an answer.
    package init(
        status: HTTPResponse.Status,
        code: String,
        message: String,
        context: [(key: String, value: JSONValue)] = [],
        headers: HTTPFields = HTTPFields()
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.context = context
        self.headers = headers
    }

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
                ("type", .string(problemType)), ("title", .string(status.reasonPhrase)),
                ("status", .integer(Int64(status.code))), ("detail", .string(message)),
                ("instance", .string("urn:uuid:\(requestID)")),
            ]
            members += problemContext
        }
        var fields = headers
        fields[.contentType] = isProblem ? "application/problem+json" : "application/json"
        return (fields, JSONText.object(members))
    }
}

/// JSON whose members have a given order.
package enum JSONText {
    /// An object.
    package static func object(_ members: [(key: String, value: JSONValue)]) -> [UInt8] {
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
    package init(json members: [(key: String, value: JSONValue)]) {
        self.init(byteBuffer: ByteBuffer(bytes: JSONText.object(members)))
    }
}

extension JSONValue {
    /// Credits as a JSON number with at most six decimals (api-contract, section 8.9).
    package static func credits(_ credits: Credits) -> JSONValue { .decimal(credits.description) }

    /// A moment as RFC 3339 with microseconds, in UTC.
    package static func time(_ moment: Timestamp?) -> JSONValue { moment.map { .string($0.rfc3339) } ?? .null }
}

extension Request {
    /// The body, of so many bytes at the most.
    ///
    /// - Throws: 413 `BODY_TOO_LARGE` with the limit, 400 `BAD_REQUEST`.
    package func wholeBody(upTo limit: Int) async throws(APIError) -> ByteBuffer {
        do {
            return try await body.collect(upTo: limit)
        } catch let error as any HTTPResponseError {
            throw error.status == .contentTooLarge ? .bodyTooLarge(limit: limit) : APIError(any: error)
        } catch {
            // The client went away, or sent something that is no HTTP.
            throw .unreadable
        }
    }
}

extension APIError {
    static let unauthorized = APIError(
        status: .unauthorized,
        code: "UNAUTHORIZED",
        message: "Unauthorized: send an active API key in the x-api-key header"
    )

    static let legacyKeyRetired = APIError(
        status: .unauthorized,
        code: "LEGACY_KEY_RETIRED",
        message: "API keys of this form were retired: make a new one on the dashboard's page of API keys"
    )

    /// The answer to a request without a key that is in force.
    static func unauthorized(_ header: String?) -> APIError {
        header.map(APIKeySecret.isRetiredForm) == true ? .legacyKeyRetired : .unauthorized
    }

    /// What an answer says of a parameter or member that can't be taken.
    static func invalid(
        _ code: String,
        field: String,
        _ message: String,
        _ limits: [(key: String, value: JSONValue)] = []
    ) -> APIError {
        APIError(
            status: .badRequest,
            code: code,
            message: "\(field): \(message)",
            context: [("field", .string(field))] + limits
        )
    }

    package static let notFound = APIError(
        status: .notFound,
        code: "NOT_FOUND",
        message: "There is nothing at this path"
    )

    static func methodNotAllowed(allow: String) -> APIError {
        APIError(
            status: .methodNotAllowed,
            code: "METHOD_NOT_ALLOWED",
            message: "This path takes \(allow) only",
            headers: [.allow: allow]
        )
    }

    /// The answer to a body of more than so many bytes.
    package static func bodyTooLarge(limit: Int) -> APIError {
        var digits = String(limit)
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: place))
            place -= 3
        }
        return APIError(
            status: .contentTooLarge,
            code: "BODY_TOO_LARGE",
            message: "The body is larger than \(digits) bytes",
            context: [("limit", .integer(Int64(limit)))]
        )
    }

    package static let unreadable = APIError(
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
    package static func unread(_ failure: LedgerFailure) -> APIError {
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
    package static var idempotencyKey: Self { HTTPField.Name(known: "Idempotency-Key") }
    static var idempotencyReplayed: Self { HTTPField.Name(known: "Idempotency-Replayed") }
    package static var requestID: Self { HTTPField.Name(known: "X-Request-Id") }
    static var traceparent: Self { HTTPField.Name(known: "traceparent") }
    static var tracestate: Self { HTTPField.Name(known: "tracestate") }
    package static var apiKey: Self { HTTPField.Name(known: "x-api-key") }

    private init(known name: String) {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is a header name") }
        self = field
    }
}
