/// Currencies of invoices: USD, and others at a rate that whoever imports states.
public struct Currency: Hashable, Sendable {
    /// The code (ISO 4217).
    public let code: String
    /// What one unit is in USD.
    public let rate: ExactDecimal

    /// Reads `EUR=1.0837`: a euro is 1.0837 dollars.
    public init(_ text: String) throws(InvoiceError) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, Self.isCode(parts[0]), parts[0] != "USD", let rate = ExactDecimal(parts[1]),
            rate.isPositive
        else { throw InvoiceError("\(text) is not like EUR=1.0837, the dollars for a unit of another currency") }
        self.code = String(parts[0])
        self.rate = rate
    }

    static func isCode(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 3 && text.utf8.allSatisfy { (65...90).contains($0) }
    }
}
