/// Which columns of a provider's file say what. A mapping is a YAML file, of which this package has one for each provider.
public struct InvoiceMapping: Hashable, Sendable {
    /// Something that a line says.
    public enum Field: String, Hashable, Sendable, CaseIterable {
        /// The provider's id of the request; lines without one are compared by day and model.
        case request
        /// What tells lines of one request apart, such as input and output tokens. The same part twice is a duplicate.
        case part
        /// When: a day or a moment.
        case day
        /// The model.
        case model
        /// What is billed.
        case amount
        /// The currency of the amount.
        case currency
        /// Whose line it is, where one file has lines of several providers.
        case provider
    }

    /// The name it is chosen by.
    public let name: String
    /// Columns by what they say: the first that the file has counts.
    public let columns: [Field: [String]]
    /// Each provider as the file writes it, where it has a column of them.
    public let providerNames: [String: String]
    /// What one unit of the amount is in the currency: 0.01 for cents.
    public let unit: ExactDecimal
    /// The currency of every line, where no column says it.
    public let currency: String
    /// Lines whose column has one of some values are no charges of runs, and are passed over.
    public let skipped: [String: Set<String>]
    /// Models of ours by the provider's names of them.
    public let models: [String: String]

    /// Columns as people are told of them: `BilledCost or cost`.
    func names(of field: Field) -> String { columns[field, default: []].joined(separator: " or ") }
}
