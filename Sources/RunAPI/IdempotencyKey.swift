import Crypto
package import HTTPTypes
package import Hummingbird
package import Ledger
import Registry

/// The `Idempotency-Key` header of a request (draft-ietf-httpapi-idempotency-key-header-07): a structured-field string,
/// or the bare characters, which most clients send.
///
/// Whatever creates or charges takes it: `request(for:body:)` is what its command carries as `idempotency`, and
/// `RecordedAnswer` what the ledger keeps with it.
package struct IdempotencyKey: Hashable {
    /// The most characters that a key may have.
    static let longest = 255

    /// The key without quotes.
    package let text: String

    /// Reads the header of a request; nil when it has none.
    ///
    /// - Throws: `INVALID_IDEMPOTENCY_KEY`.
    package init?(of request: Request) throws(APIError) {
        let values = request.headers[values: .idempotencyKey]
        guard let value = values.first else { return nil }
        guard values.count == 1, let text = Self.read(value) else { throw .invalidIdempotencyKey }
        self.text = text
    }

    /// The key in a header's value; nil when it is malformed.
    static func read(_ value: String) -> String? {
        var bytes = Array(value.utf8)
        if bytes.first == UInt8(ascii: "\"") {
            guard bytes.count >= 2, bytes.last == UInt8(ascii: "\"") else { return nil }
            var inner: [UInt8] = []
            var isEscaped = false
            for byte in bytes[1..<bytes.count - 1] {
                if isEscaped {
                    guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { return nil }
                    inner.append(byte)
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    return nil
                } else {
                    inner.append(byte)
                }
            }
            guard !isEscaped else { return nil }
            bytes = inner
        }
        guard (1...longest).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The request as the ledger knows it again: by method, path, query, whether it prefers to be answered at once, and
    /// body, whose JSON may be written otherwise. The account is the key's scope.
    ///
    /// - Parameters:
    ///   - token: the operator's token, where the answer is sealed for it; another one makes another request.
    ///   - answer: what it is answered once its command is done; nil for a run.
    func request(
        for request: Request,
        body: [UInt8],
        sealedFor token: String? = nil,
        answer: AnswerDraft? = nil
    ) -> IdempotentRequest {
        var hash = SHA256()
        func add(_ bytes: some Collection<UInt8>) {
            withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(bytes))
        }
        add(request.method.rawValue.utf8)
        add(request.uri.path.utf8)
        add((request.uri.query ?? "").utf8)
        add([request.prefersAsync ? 1 : 0])
        if let json = try? JSONValue(parsing: body) { add(json.canonicalDigest) } else { add(body) }
        if let token { add(Digest(of: Array(token.utf8)).bytes) }
        guard let fingerprint = Digest(bytes: Array(hash.finalize())) else {
            preconditionFailure("a SHA-256 has 32 bytes")
        }
        return IdempotentRequest(key: Digest(of: Array(text.utf8)), fingerprint: fingerprint, answer: answer)
    }
}

extension RecordedAnswer {
    /// Takes an answer apart, to be kept.
    package init(status: HTTPResponse.Status, headers: HTTPFields, body: [UInt8]) {
        self.init(status: Int16(status.code), headers: headers.lines, body: body)
    }

    /// The answer as it was given the first time, its id of the request included.
    ///
    /// - Parameter isRepeat: whether it was given before; it then says so in a header.
    package func response(isRepeat: Bool) -> Response {
        var fields = HTTPFields(lines: headers)
        if isRepeat { fields[.idempotencyReplayed] = "true" }
        return Response(
            status: HTTPResponse.Status(code: Int(status), reasonPhrase: HTTPResponse.Status.phrase(of: Int(status))),
            headers: fields,
            body: ResponseBody(byteBuffer: .init(bytes: body))
        )
    }
}

extension HTTPResponse.Status {
    fileprivate static func phrase(of code: Int) -> String { HTTPResponse.Status(code: code).reasonPhrase }
}

extension HTTPFields {
    /// The fields as lines `name: value`, in their order.
    var lines: String { map { "\($0.name.rawName): \($0.value)\n" }.joined() }

    /// Reads such lines.
    fileprivate init(lines: String) {
        self.init()
        for line in lines.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else {
                continue
            }
            append(HTTPField(name: name, value: String(line[colon...].dropFirst(2))))
        }
    }
}

extension APIError {
    static let invalidIdempotencyKey = APIError(
        status: .badRequest,
        code: "INVALID_IDEMPOTENCY_KEY",
        message: "Idempotency-Key takes one key of 1 to \(IdempotencyKey.longest) visible ASCII characters",
        context: [("limit", .integer(Int64(IdempotencyKey.longest)))]
    )

    package static let idempotencyMismatch = APIError(
        status: .unprocessableContent,
        code: "IDEMPOTENCY_MISMATCH",
        message: "The idempotency key was used for another request"
    )

    static func idempotencyInFlight(_ execution: ExecutionID) -> APIError {
        APIError(
            status: .conflict,
            code: "IDEMPOTENCY_IN_FLIGHT",
            message: "The first request with this idempotency key has not been answered yet; ask again after a moment",
            context: [("executionId", .string(execution.description))],
            headers: [.retryAfter: "1"]
        )
    }
}
