/// Text with places for values that are known when a run is dispatched: `{inputs.NAME}`, `{executionId}`, `{taskId}`.
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
                text += percentEncoded ? Self.percentEncode(value) : value
            }
        }
        return text
    }

    /// Encodes everything but the unreserved characters of RFC 3986.
    static func percentEncode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A place in a template.
public enum Placeholder: Hashable, Sendable {
    /// An input field.
    case input(String)
    /// Our id of the run.
    case executionID
    /// The provider's id of the work.
    case providerRequestID

    /// Reads what stands between the braces; nil for anything unknown.
    init?(_ text: some StringProtocol) {
        switch text {
        case "executionId": self = .executionID
        case "taskId": self = .providerRequestID
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

    /// Makes a set of values.
    public init(inputs: ValidatedInputs, executionID: String, providerRequestID: String? = nil) {
        self.inputs = inputs
        self.executionID = executionID
        self.providerRequestID = providerRequestID
    }

    subscript(place: Placeholder) -> JSONValue? {
        switch place {
        case .input(let name): inputs[name]
        case .executionID: .string(executionID)
        case .providerRequestID: providerRequestID.map(JSONValue.string)
        }
    }
}

/// A JSON body with places in it.
public indirect enum BodyTemplate: Hashable, Sendable {
    /// As it stands.
    case constant(JSONValue)
    /// A string that is nothing but one place: the value keeps its JSON type; without a value the member is left out.
    case value(Placeholder)
    /// A string with places in it.
    case text(TextTemplate)
    /// An array; elements without a value are left out.
    case array([BodyTemplate])
    /// An object; members without a value are left out.
    case object([String: BodyTemplate])

    /// Fills the places in; nil when this is a place without a value.
    public func render(_ values: TemplateValues) -> JSONValue? {
        switch self {
        case .constant(let value): value
        case .value(let place): values[place]
        case .text(let template): .string(template.render(values))
        case .array(let elements): .array(elements.compactMap { $0.render(values) })
        case .object(let members): .object(members.compactMapValues { $0.render(values) })
        }
    }
}
