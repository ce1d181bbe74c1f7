/// Text with places for values that are known when a run is dispatched: `{inputs.NAME}`, `{executionId}`, `{taskId}` …
public struct TextTemplate: Hashable, Sendable {
    /// A piece of text, or a place.
    public enum Segment: Hashable, Sendable {
        /// As it stands.
        case literal(String)
        /// A value filled in.
        case place(Placeholder)
    }

    /// The pieces in order.
    public let segments: [Segment]

    /// Fills the places in; a value that is missing becomes nothing.
    ///
    /// - Parameters:
    ///   - values: what to fill in.
    ///   - percentEncoded: whether values are encoded as a URL's path segment or query value.
    public func render(_ values: TemplateValues, percentEncoded: Bool = false) -> String {
        if segments.count == 1, case .literal(let text) = segments[0] { return text }
        var text = ""
        for segment in segments {
            switch segment {
            case .literal(let literal): text += literal
            case .place(let place):
                let value = values[place]?.scalarText ?? ""
                text += percentEncoded ? value.percentEncoded : value
            }
        }
        return text
    }

    /// Whether every place has a value.
    public func isComplete(_ values: TemplateValues) -> Bool {
        segments.allSatisfy { segment in
            guard case .place(let place) = segment else { return true }
            return values[place] != nil
        }
    }
}

/// A place in a template.
public enum Placeholder: Hashable, Sendable {
    /// An input field.
    case input(String)
    /// The element of an array that an `$each` repeats its template for.
    case item
    /// Our id of the run.
    case executionID
    /// The provider's id of the work.
    case providerRequestID
    /// Where the provider can call back; missing when the service has no public URL.
    case callbackURL
    /// What a model says its provider calls it.
    case model
    /// The path a model is submitted to.
    case path
    /// All of what a model sends of its inputs.
    case mappedInputs

    /// Reads what stands between the braces; nil for anything unknown.
    init?(_ text: some StringProtocol) {
        switch text {
        case "item": self = .item
        case "executionId": self = .executionID
        case "taskId": self = .providerRequestID
        case "callbackUrl": self = .callbackURL
        case "model": self = .model
        case "path": self = .path
        case "inputs": self = .mappedInputs
        default:
            guard text.hasPrefix("inputs."), text.count > 7 else { return nil }
            self = .input(String(text.dropFirst(7)))
        }
    }
}

/// The values that fill templates.
public struct TemplateValues: Sendable {
    /// The checked inputs.
    public let inputs: ValidatedInputs
    /// Our id of the run, as text.
    public let executionID: String
    /// The provider's id, once it is known.
    public var providerRequestID: String?
    /// Where the provider can call back; nil when the service has no public URL.
    public let callbackURL: String?
    var item: JSONValue?

    /// Makes a set of values.
    public init(
        inputs: ValidatedInputs,
        executionID: String,
        providerRequestID: String? = nil,
        callbackURL: String? = nil
    ) {
        self.inputs = inputs
        self.executionID = executionID
        self.providerRequestID = providerRequestID
        self.callbackURL = callbackURL
    }

    subscript(place: Placeholder) -> JSONValue? {
        switch place {
        case .input(let name): inputs[name]
        case .item: item
        case .executionID: .string(executionID)
        case .providerRequestID: providerRequestID.map(JSONValue.string)
        case .callbackURL: callbackURL.map(JSONValue.string)
        // Filled in when a model is bound to its provider.
        case .model, .path, .mappedInputs: nil
        }
    }
}
