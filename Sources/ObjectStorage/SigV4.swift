import Crypto

/// AWS Signature Version 4, as S3 wants it: the path is encoded once and its dots are left alone.
///
/// Source: AWS, "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference.
public struct SigV4: Sendable {
    /// A moment in the two forms that signatures use, in UTC.
    public struct Time: Hashable, Sendable {
        /// `yyyymmdd`.
        public let date: String
        /// `yyyymmddThhmmssZ`.
        public let stamp: String

        /// Makes a time from seconds since 1970-01-01T00:00:00Z.
        public init(unixSeconds: Int64) {
            let (days, second) = unixSeconds.floorDivided(by: 86_400)
            let (year, month, day) = civilDate(daysSince1970: days)
            self.date = padded(year, 4) + padded(month, 2) + padded(day, 2)
            self.stamp =
                "\(date)T\(padded(second / 3_600, 2))\(padded(second / 60 % 60, 2))\(padded(second % 60, 2))Z"
        }
    }

    /// A request in the parts that are signed.
    struct Request {
        var method: String
        /// Not yet percent-encoded.
        var path: String
        /// Not yet percent-encoded; a name without value has an empty one.
        var query: [(name: String, value: String)] = []
        /// Every header that is signed, the host among them.
        var headers: [(name: String, value: String)]
        /// The SHA-256 of the body in hexadecimal, or `UNSIGNED-PAYLOAD`.
        var payloadHash: String
    }

    let accessKeyID: String
    let secretAccessKey: String
    let region: String
    let service: String

    init(accessKeyID: String, secretAccessKey: String, region: String, service: String = "s3") {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.region = region
        self.service = service
    }

    /// The value of a request's `Authorization` header.
    func authorization(of request: Request, at time: Time) -> String {
        let names = Self.signedNames(request.headers)
        return "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope(time)),SignedHeaders=\(names),"
            + "Signature=\(signature(of: request, at: time))"
    }

    /// The query of a URL that lets whoever has it read an object for some time, its signature at the end.
    ///
    /// - Parameters:
    ///   - host: the host, with its port unless it is the scheme's own.
    ///   - path: the path, not percent-encoded.
    ///   - seconds: how long, from 1 to 604,800.
    ///   - time: when that begins.
    func presignedQuery(host: String, path: String, seconds: Int, at time: Time) -> String {
        precondition((1...604_800).contains(seconds), "a presigned URL lives seven days at most")
        let request = Request(
            method: "GET",
            path: path,
            query: [
                ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", "\(accessKeyID)/\(scope(time))"),
                ("X-Amz-Date", time.stamp), ("X-Amz-Expires", String(seconds)), ("X-Amz-SignedHeaders", "host"),
            ],
            headers: [("host", host)],
            payloadHash: "UNSIGNED-PAYLOAD"
        )
        let signature = signature(of: request, at: time)
        return Self.canonicalQuery(request.query) + "&X-Amz-Signature=\(signature)"
    }

    func signature(of request: Request, at time: Time) -> String {
        let canonicalHash = Self.hexadecimal(SHA256.hash(data: Array(Self.canonical(request).utf8)))
        let toSign = "AWS4-HMAC-SHA256\n\(time.stamp)\n\(scope(time))\n\(canonicalHash)"
        return Self.hexadecimal(
            HMAC<SHA256>.authenticationCode(for: Array(toSign.utf8), using: signingKey(date: time.date))
        )
    }

    func signingKey(date: String) -> SymmetricKey {
        var key = SymmetricKey(data: Array("AWS4\(secretAccessKey)".utf8))
        for part in [date, region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        return key
    }

    private func scope(_ time: Time) -> String { "\(time.date)/\(region)/\(service)/aws4_request" }

    // MARK: Canonical form

    static func canonical(_ request: Request) -> String {
        let headers = request.headers.map { (name: $0.name.lowercased(), value: $0.value) }.sorted { $0.name < $1.name }
        let lines = headers.map { "\($0.name):\(collapsed($0.value))\n" }.joined()
        return [
            request.method, encoded(request.path, keepsSlashes: true), canonicalQuery(request.query), lines,
            signedNames(request.headers), request.payloadHash,
        ].joined(separator: "\n")
    }

    static func canonicalQuery(_ query: [(name: String, value: String)]) -> String {
        query.map { (encoded($0.name), encoded($0.value)) }.sorted { $0 < $1 }.map { "\($0)=\($1)" }
            .joined(separator: "&")
    }

    private static func signedNames(_ headers: [(name: String, value: String)]) -> String {
        headers.map { $0.name.lowercased() }.sorted().joined(separator: ";")
    }

    private static func collapsed(_ value: String) -> String { value.split(separator: " ").joined(separator: " ") }

    /// Everything but RFC 3986's unreserved characters as `%XX`.
    static func encoded(_ text: String, keepsSlashes: Bool = false) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                bytes.append(byte)
            case UInt8(ascii: "/") where keepsSlashes: bytes.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

private func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// The date in the proleptic Gregorian calendar.
///
/// Counts in eras of 400 years, whose 146,097 days repeat, from a year that begins in March, so that a leap day is its last.
func civilDate(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    // 719,468: from 0000-03-01 to 1970-01-01.
    let (era, dayOfEra) = (days + 719_468).floorDivided(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
}
