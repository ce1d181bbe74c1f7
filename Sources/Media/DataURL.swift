import Foundation

/// A `data:` URL (RFC 2397) that was read: a medium inside a result.
struct DataURL: Hashable, Sendable {
    /// The media type in lower case, without parameters; empty when there is none.
    let contentType: String
    /// The medium.
    let bytes: [UInt8]

    /// Reads a URL; nil when it is no `data:` URL in base64.
    init?(_ text: String) {
        guard text.prefix(5).lowercased() == "data:", let comma = text.firstIndex(of: ",") else { return nil }
        let parameters = text[text.index(text.startIndex, offsetBy: 5)..<comma].lowercased()
            .split(separator: ";", omittingEmptySubsequences: false)
        guard parameters.dropFirst().last == "base64",
            let data = Data(base64Encoded: String(text[text.index(after: comma)...]))
        else { return nil }
        self.contentType = String(parameters[0])
        self.bytes = Array(data)
    }
}
