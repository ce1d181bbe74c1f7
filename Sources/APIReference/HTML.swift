/// Text that is HTML already: what is put into it is escaped, unless it is HTML itself.
struct HTML: ExpressibleByStringInterpolation {
    private(set) var text: String

    init(stringLiteral value: String) { text = value }
    init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

    struct Interpolation: StringInterpolationProtocol {
        var text = ""
        init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }
        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ value: some StringProtocol) { text += HTML.escape(value) }
        mutating func appendInterpolation(_ html: HTML) { text += html.text }
        mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { text += part.text } }
        mutating func appendInterpolation(_ html: HTML?) { text += html?.text ?? "" }
    }

    static func escape(_ text: some StringProtocol) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
        return result
    }

    /// Text with `code` and [links](https://…), the only marks that descriptions use.
    static func inline(_ text: some StringProtocol) -> HTML {
        var result = HTML.escape(text)
        result = result.replacing(/`([^`]+)`/) { "<code>\($0.1)</code>" }
        result = result.replacing(/\[([^\]]+)\]\((https:[^)]+|\/[^)]*)\)/) { "<a href=\"\($0.2)\">\($0.1)</a>" }
        return HTML(raw: result)
    }

    /// Paragraphs, with an empty line between each and the next.
    static func paragraphs(_ text: String?) -> HTML {
        guard let text else { return "" }
        let parts = text.split(separator: /\n\s*\n/).map { part -> HTML in "<p>\(inline(part.trimmed))</p>" }
        return "\(parts)"
    }

    private init(raw: String) { text = raw }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var result = drop { $0.isWhitespace }
        while result.last?.isWhitespace ?? false { result.removeLast() }
        return result
    }
}
