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
    /// An object with the members of another one added; its own members win.
    case merged([String: BodyTemplate], BodyTemplate)
    /// In an array: one element for each element of the place's array, or for its one value; none without a value.
    case each(Placeholder, BodyTemplate)
    /// One of two, by whether the place has a value other than null, an empty string or an empty array.
    case given(Placeholder, BodyTemplate, otherwise: BodyTemplate?)
    /// One of several, by the place's value as text.
    case choice(Placeholder, [String: BodyTemplate], otherwise: BodyTemplate?)
    /// The first that has a value.
    case first([BodyTemplate])

    /// Fills the places in; nil when this is a place without a value.
    public func render(_ values: TemplateValues) -> JSONValue? {
        switch self {
        case .constant(let value): return value
        case .value(let place): return values[place]
        case .text(let template): return .string(template.render(values))
        case .array(let elements): return .array(elements.flatMap { $0.renderElements(values) })
        case .object(let members): return .object(members.compactMapValues { $0.render(values) })
        case .merged(let members, let others):
            let own = members.compactMapValues { $0.render(values) }
            return .object((others.render(values)?.objectValue ?? [:]).merging(own) { $1 })
        case .each: return .array(renderElements(values))
        case .given(let place, let template, let otherwise):
            return Self.isGiven(values[place]) ? template.render(values) : otherwise?.render(values)
        case .choice(let place, let templates, let otherwise):
            let chosen = values[place]?.scalarText.flatMap { templates[$0] }
            return (chosen ?? otherwise)?.render(values)
        case .first(let templates): return templates.lazy.compactMap { $0.render(values) }.first
        }
    }

    private func renderElements(_ values: TemplateValues) -> [JSONValue] {
        guard case .each(let place, let template) = self else { return render(values).map { [$0] } ?? [] }
        guard let value = values[place], Self.isGiven(value) else { return [] }
        return (value.arrayValue ?? [value]).compactMap { item in
            var inner = values
            inner.item = item
            return template.render(inner)
        }
    }

    private static func isGiven(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null?, .string("")?, .array([])?: false
        default: true
        }
    }
}

/// What a model puts into its provider's templates.
struct ModelParts: Hashable, Sendable {
    /// For `{model}`.
    let model: BodyTemplate?
    /// For `{path}`.
    let path: String?
    /// For `{inputs}`.
    let inputs: BodyTemplate
}

extension BodyTemplate {
    /// The template of one model, made from that of its provider.
    func bound(to parts: ModelParts) -> BodyTemplate {
        switch self {
        case .constant: self
        case .value(.mappedInputs): parts.inputs
        case .value(.model): parts.model ?? self
        case .value: self
        case .text(let template): .text(template.bound(to: parts))
        case .array(let elements): .array(elements.map { $0.bound(to: parts) })
        case .object(let members): .object(members.mapValues { $0.bound(to: parts) })
        case .merged(let members, let others):
            .merged(members.mapValues { $0.bound(to: parts) }, others.bound(to: parts))
        case .each(let place, let template): .each(place, template.bound(to: parts))
        case .given(let place, let template, let otherwise):
            .given(place, template.bound(to: parts), otherwise: otherwise?.bound(to: parts))
        case .choice(let place, let templates, let otherwise):
            .choice(place, templates.mapValues { $0.bound(to: parts) }, otherwise: otherwise?.bound(to: parts))
        case .first(let templates): .first(templates.map { $0.bound(to: parts) })
        }
    }
}

extension TextTemplate {
    func bound(to parts: ModelParts) -> TextTemplate {
        TextTemplate(
            segments: segments.map { segment in
                switch segment {
                case .place(.model):
                    guard case .constant(.string(let name))? = parts.model else { return segment }
                    return .literal(name)
                case .place(.path): return parts.path.map(Segment.literal) ?? segment
                default: return segment
                }
            }
        )
    }
}
