import Crypto
package import HTTPTypes
package import Hummingbird
import NIOCore

/// Bytes that a client may have already, with the tag that names them (RFC 9110, section 13.1.2).
package struct ConditionalAnswer: Sendable {
    private let bytes: ByteBuffer
    private let tag: String
    private let type: String
    private let headers: HTTPFields

    /// Makes an answer.
    ///
    /// - Parameters:
    ///   - bytes: the body.
    ///   - type: its media type.
    ///   - caching: who may keep it, and for how long.
    ///   - headers: what else it carries, whether the client has it or not.
    package init(_ bytes: some Sequence<UInt8>, type: String, caching: String, headers: HTTPFields = [:]) {
        let buffer = ByteBuffer(bytes: bytes)
        let digits = SHA256.hash(data: Array(buffer: buffer)).prefix(16)
            .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        self.bytes = buffer
        self.tag = "\"\(digits.joined())\""
        self.type = type
        var headers = headers
        headers[.eTag] = tag
        headers[.cacheControl] = caching
        self.headers = headers
    }

    /// The bytes, or 304 when the client has them.
    package func response(to request: Request) -> Response {
        let known = request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.map { text in
            let trimmed = text.filter { !$0.isWhitespace }
            return trimmed.hasPrefix("W/") ? String(trimmed.dropFirst(2)) : trimmed
        }
        if known.contains(tag) || known == ["*"] { return Response(status: .notModified, headers: headers) }
        var fields = headers
        fields[.contentType] = type
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: bytes))
    }
}
