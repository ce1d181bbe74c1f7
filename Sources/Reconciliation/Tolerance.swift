/// Up to which difference two amounts count as the same: one of the limits is enough.
public struct Tolerance: Hashable, Sendable {
    /// Millionths of a dollar.
    public let absoluteMicroUSD: Int64
    /// Millionths of what we have booked.
    public let relativeMillionths: Int64

    /// Makes a tolerance.
    public init(absoluteMicroUSD: Int64, relativeMillionths: Int64) {
        self.absoluteMicroUSD = absoluteMicroUSD
        self.relativeMillionths = relativeMillionths
    }

    /// Whether what is billed may stand for what is booked. A difference that is exactly a limit is within it.
    public func accepts(billed: Int64, booked: Int64) -> Bool {
        let difference = Int128(billed) - Int128(booked)
        return difference.magnitude <= UInt128(absoluteMicroUSD)
            || difference.magnitude * 1_000_000 <= booked.magnitudeTimes(relativeMillionths)
    }
}

extension Int64 {
    fileprivate func magnitudeTimes(_ factor: Int64) -> UInt128 { UInt128(magnitude) * UInt128(factor) }
}

/// Tolerances by provider: a text of one rule a line, `provider absolute-USD relative-percent`, with `*` for all others.
public struct ToleranceTable: Hashable, Sendable {
    private let rules: [String: Tolerance]

    /// Reads the text. Lines that begin with `#` are comments.
    public init(_ text: String) throws(InvoiceError) {
        var rules: [String: Tolerance] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ")
            guard let provider = words.first, !provider.hasPrefix("#") else { continue }
            guard words.count == 3 else {
                throw InvoiceError(line: index + 1, "a rule is a provider, an amount in USD and percent")
            }
            rules[String(provider)] = Tolerance(
                absoluteMicroUSD: try Self.millionths(words[1], index + 1, "absolute", times: .one),
                // A percent is 10,000 millionths.
                relativeMillionths: try Self.millionths(words[2], index + 1, "relative", times: .percent)
            )
        }
        guard rules["*"] != nil else {
            throw InvoiceError("a rule for the provider * is needed, which all others have")
        }
        self.rules = rules
    }

    /// The rule for a provider.
    public func tolerance(for provider: String) -> Tolerance {
        rules[provider] ?? rules["*"] ?? Tolerance(absoluteMicroUSD: 0, relativeMillionths: 0)
    }

    private static func millionths(
        _ text: Substring,
        _ line: Int,
        _ column: String,
        times factor: ExactDecimal
    ) throws(InvoiceError) -> Int64 {
        guard let value = ExactDecimal(text)?.millionths(times: factor, .one), (0...1_000_000_000).contains(value)
        else {
            throw InvoiceError(line: line, column: column, "\(text) is no number from 0 to 1000")
        }
        return value
    }
}

extension ExactDecimal {
    /// A hundredth.
    static let percent: ExactDecimal = {
        guard let percent = ExactDecimal("0.01") else { preconditionFailure("a number that can't be read") }
        return percent
    }()
}
