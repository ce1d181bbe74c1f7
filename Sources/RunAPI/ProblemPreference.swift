import HTTPTypes
import Hummingbird

extension Request {
    /// Whether errors shall have the members of RFC 9457: the client names `application/problem+json` in `Accept`, at
    /// least as gladly as `application/json`. A wildcard names neither, and changes nothing.
    var prefersProblem: Bool {
        let ranges = headers[values: .accept].flatMap { $0.split(separator: ",") }.compactMap { AcceptedType($0) }
        let problem = ranges.filter { $0.name == "application/problem+json" }.map(\.quality).max() ?? 0
        let plain = ranges.filter { $0.name == "application/json" }.map(\.quality).max() ?? 0
        return problem > 0 && problem >= plain
    }
}

/// One media range of `Accept` (RFC 9110, section 12.5.1), its parameters but `q` left out.
private struct AcceptedType {
    let name: String
    /// In thousandths; 0 is refused.
    let quality: Int

    /// Reads a range; nil when its quality is malformed.
    init?(_ text: Substring) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map { part in
            String(part).trimmed.lowercased()
        }
        self.name = parts.first ?? ""
        var quality = 1_000
        for part in parts.dropFirst() where part.hasPrefix("q=") {
            guard let value = Self.thousandths(part.dropFirst(2)) else { return nil }
            quality = value
        }
        self.quality = quality
    }

    private static func thousandths(_ text: Substring) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts[0] == "0" || parts[0] == "1" else { return nil }
        let digits = parts.count == 2 ? parts[1] : ""
        guard digits.count <= 3, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let fraction = Int(digits.padded(to: 3)), parts[0] == "0" || fraction == 0
        else { return nil }
        return (parts[0] == "1" ? 1_000 : 0) + fraction
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}

extension Substring {
    fileprivate func padded(to count: Int) -> String { self + String(repeating: "0", count: count - self.count) }
}
