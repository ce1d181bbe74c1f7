public import Ledger

/// What kind of output a model makes; decides which list of the result its output appears in.
public enum ModelType: String, Hashable, Sendable, CaseIterable {
    case image, video, audio, text

    /// The name of the list in a run's result: `images`, `videos`, `audios` or `text`.
    public var resultKey: String {
        switch self {
        case .image: "images"
        case .video: "videos"
        case .audio: "audios"
        case .text: "text"
        }
    }
}

/// What becomes of a run whose answer never came, once the time to find out is over.
public struct UnresolvedPolicy: Hashable, Sendable {
    /// What happens to the hold when nothing was learned in time.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        /// The customer gets the hold back; we bear the provider's cost, if there was one.
        case release
        /// The customer pays the quote.
        case charge
    }

    /// How long the hold stands while a reconciler looks for the truth, in seconds.
    public let holdSeconds: Int
    /// What then happens.
    public let action: Action

    /// Makes a policy.
    public init(holdSeconds: Int, action: Action) {
        self.holdSeconds = holdSeconds
        self.action = action
    }
}

/// One version of one model: who may run it, what it takes, what it costs and which provider does the work.
///
/// Comes from a definition file that was validated as a whole; a definition that exists can be run and priced.
public struct ModelDefinition: Sendable {
    /// The slug in the URL: lower-case letters, digits and hyphens.
    public let internalName: String
    /// The name that people read.
    public let displayName: String
    /// What it makes.
    public let type: ModelType
    /// Whether it can be run at all. A model that is not enabled is not found.
    public internal(set) var isEnabled: Bool
    /// The lowest plan that may run it.
    public let requiredTier: Tier
    /// The version of the definition, counted up with every change; goes into events.
    public let version: Int32
    /// The fields it takes.
    public let inputs: InputSchema
    /// What it costs.
    public let price: PriceRule
    /// How long a synchronous run may take, in seconds.
    public let deadlineSeconds: Int
    /// What becomes of a run whose answer never came.
    public let unresolved: UnresolvedPolicy
    /// Who does the work, and how they are spoken to.
    public let provider: ProviderBinding
    /// Where it was read, and what decides whether it has changed.
    let source: DefinitionSource

    /// The version of the price rule; goes into events.
    public var priceVersion: Int32 { price.version }

    /// Whether `?async=true` is possible: only with a provider that is polled.
    public var supportsAsync: Bool { provider.kind == .httpPolling }

    /// Checks a run's `inputs` against the schema, and reports all problems at once.
    ///
    /// - Returns: the inputs with defaults filled in, or every issue found, ordered by field name.
    public func validate(_ inputs: JSONValue) -> InputValidation { self.inputs.validate(inputs) }

    /// The most that a run with these inputs can cost. Pure: the same inputs and definition give the same quote.
    ///
    /// - Throws: when the inputs can't be priced, as inputs that another definition validated may be. Such a run must
    ///   be refused; it is never free.
    public func quote(_ inputs: ValidatedInputs) throws(PricingError) -> Quote {
        let most = try price.most(for: inputs)
        return Quote(
            amount: most.amount,
            units: most.units,
            unitPrice: most.unitPrice,
            priceVersion: price.version,
            definitionVersion: version,
            wholesale: most.wholesale
        )
    }

    /// What a run that succeeded costs: the delivered number of units at the quoted unit price, or the delivered tokens.
    ///
    /// A provider that reports no units or tokens is taken to have delivered the most that was asked for. One that
    /// reports more gives an amount above the quote; the customer pays the quote, the rest is ours (design, section 7).
    ///
    /// - Throws: as `quote(_:)`, and when the provider reports a number of units that no amount can hold.
    public func actualCost(_ inputs: ValidatedInputs, delivered: DeliveredUsage) throws(PricingError) -> Credits {
        try price.cost(of: delivered, inputs: inputs)
    }

    /// What the provider charges us for a run that succeeded: what it reported, else the wholesale price of the
    /// delivered units or tokens.
    ///
    /// - Throws: as `actualCost(_:delivered:)`.
    public func providerCost(_ inputs: ValidatedInputs, delivered: DeliveredUsage) throws(PricingError) -> MicroUSD {
        if let reported = delivered.cost { return reported }
        return try price.wholesale(of: delivered, inputs: inputs)
    }
}

extension ModelDefinition: CustomStringConvertible, CustomDebugStringConvertible {
    /// The name and version alone: the provider's keys must not end up in a log.
    public var description: String { "\(internalName) v\(version)" }
    /// The name and version alone.
    public var debugDescription: String { description }
}

/// What a provider says it delivered.
public struct DeliveredUsage: Hashable, Sendable {
    /// Delivered units of the price rule (images, seconds rounded up, or outputs of a call that is priced for several); nil
    /// when the provider does not say.
    public let units: Int64?
    /// What the provider charges us; nil when it does not say.
    public let cost: MicroUSD?
    /// Tokens the model read, cached ones too; nil when the provider does not say.
    public let inputTokens: Int64?
    /// Tokens the model wrote; nil when the provider does not say.
    public let outputTokens: Int64?

    /// Nothing said.
    public static let unreported = DeliveredUsage(units: nil, cost: nil)

    /// Makes a report.
    public init(units: Int64?, cost: MicroUSD?, inputTokens: Int64? = nil, outputTokens: Int64? = nil) {
        self.units = units
        self.cost = cost
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }
}
