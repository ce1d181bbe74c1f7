import NIOCore
import NIOHTTP1

/// An answer of S3's, read to its end.
struct S3Answer {
    /// What an answer means for the request.
    enum Verdict: Equatable {
        case accepted
        /// Trying again may help.
        case passing(String)
        /// Trying again can't help.
        case refused(String)
    }

    let status: Int
    let headers: HTTPHeaders
    let body: ByteBuffer
    /// Whether the body is the storage's own words, not an object.
    let isDocument: Bool

    var text: String { String(buffer: body) }

    init(status: Int, headers: HTTPHeaders, body: ByteBuffer, isDocument: Bool) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isDocument = isDocument
    }

    /// An answer in the storage's own words.
    init(status: Int, headers: HTTPHeaders, text: String) {
        self.init(status: status, headers: headers, body: ByteBuffer(string: text), isDocument: true)
    }

    /// - Parameter accepts: the statuses beside 2xx that are answers too.
    func verdict(accepts: Set<Int>) -> Verdict {
        // Completing an upload may begin its answer with 200 and end it with an error.
        let code = isDocument && text.contains("<Error>") ? text.element("Code") : nil
        if (200..<300).contains(status), code == nil || code == "" { return .accepted }
        if accepts.contains(status) { return .accepted }
        let reason = "status \(status)\(code.map { ", " + $0.prefix(64) } ?? "")"
        let isPassing =
            [408, 429, 500, 502, 503, 504].contains(status)
            || ["SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "RequestTimeTooSkewed"]
                .contains(code ?? "")
        return isPassing ? .passing(reason) : .refused(reason)
    }
}

extension String {
    /// The text of the first element of a name in a document without CDATA, as S3 writes it.
    func element(_ name: String) -> String? {
        guard let start = firstRange(of: "<\(name)>"),
            let end = self[start.upperBound...].firstRange(of: "</\(name)>")
        else { return nil }
        return String(self[start.upperBound..<end.lowerBound])
            .replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&apos;", with: "'").replacing("&#34;", with: "\"").replacing("&#39;", with: "'")
            .replacing("&amp;", with: "&")
    }

    /// The texts of all elements of a name.
    func elements(_ name: String) -> [String] {
        var texts: [String] = []
        var rest = self[...]
        while let start = rest.firstRange(of: "<\(name)>"), let text = String(rest[start.lowerBound...]).element(name) {
            texts.append(text)
            rest = rest[start.upperBound...]
        }
        return texts
    }

    var escapedForXML: String {
        replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
