internal import Yams

/// The providers' definitions, to which models are bound.
struct ProviderCatalog {
    /// One provider, with places for what its models say of themselves.
    private struct Entry {
        let provider: ProviderBinding?
        let places: Set<Placeholder>
        let textPlaces: Set<Placeholder>
        let missing: [DefinitionIssue]
        let source: ProviderSource
    }

    private var entries: [String: Entry] = [:]
    /// What is wrong with the files, whoever uses them.
    private(set) var issues: [DefinitionIssue] = []
    private var used: Set<String> = []

    /// Reads the definitions.
    init(files: [DefinitionFile], variables: [String: String]) {
        var firstFiles: [String: String] = [:]
        for file in files {
            let collected = DefinitionIssues(file: file.name)
            let missing = DefinitionIssues(file: file.name)
            if let root = DefinitionFile.root(file, issues: collected),
                let reader = MappingReader(root, path: "", issues: collected)
            {
                let templates = TemplateReader(variables: variables, issues: collected, missing: missing)
                let provider = ProviderReader(reader: reader, templates: templates).provider()
                // A name is kept even when the rest is broken, so that its models are not reported too.
                let name = reader.optional("name")?.scalar?.string ?? ""
                if let first = firstFiles[name] {
                    collected.add("\(name) is already defined in \(first)", field: "name", at: reader.optional("name"))
                }
                firstFiles[name] = file.name
                entries[name] = Entry(
                    provider: provider,
                    places: templates.places,
                    textPlaces: templates.textPlaces,
                    missing: missing.sorted,
                    source: ProviderSource(
                        file: file,
                        digest: (MappingReader.json(reader.node) ?? .null).canonicalDigest
                    )
                )
            }
            issues += collected.sorted
        }
    }

    /// Variables that the configuration lacks for providers which are used.
    var missingVariables: [DefinitionIssue] {
        used.sorted().flatMap { entries[$0]?.missing ?? [] }
    }

    /// The file of a provider.
    func source(of name: String) -> ProviderSource? { entries[name]?.source }

    /// Binds a model to its provider.
    ///
    /// - Parameters:
    ///   - reader: the `provider` of the model's definition.
    ///   - inputNames: the fields that a template can name.
    ///   - variables: values for `${NAME}`.
    ///   - isEnabled: whether the provider's variables must be there.
    mutating func bind(
        _ reader: MappingReader,
        inputNames: [String],
        variables: [String: String],
        isEnabled: Bool
    ) -> ProviderBinding? {
        reader.allowOnly(["use", "model", "path", "inputs", "outputs", "units", "poll"])
        let known = entries.keys.filter { !$0.isEmpty }.sorted().joined(separator: ", ")
        guard let name = reader.text("use", "the name of a provider") else { return nil }
        guard let entry = entries[name] else {
            reader.reject("use", "must be a provider; there are \(known), not \(name)")
            return nil
        }
        let parts = parts(reader, entry, inputNames: inputNames, variables: variables)
        let outputs = reader.optional("outputs") == nil ? nil : reader.pointerList("outputs")
        let units = reader.pointer("units")
        var schedule: PollSchedule?
        if let map = reader.optionalMapping("poll") {
            if entry.provider?.poll == nil, entry.provider != nil { reader.reject("poll", "\(name) is not polled") }
            map.allowOnly(PollSchedule.keys)
            schedule = PollSchedule(map)
        }
        if isEnabled { used.insert(name) }
        guard var binding = entry.provider, let parts else { return nil }
        binding.bind(to: parts)
        if let outputs { binding.result.outputs = outputs }
        if let units { binding.usage.units = units }
        if let schedule { binding.poll?.schedule = schedule }
        return binding
    }

    private func parts(
        _ reader: MappingReader,
        _ entry: Entry,
        inputNames: [String],
        variables: [String: String]
    ) -> ModelParts? {
        let templates = TemplateReader(variables: variables, issues: reader.issues, missing: reader.issues)
        let allowed = ["executionId"] + inputNames.map { "inputs.\($0)" }
        if entry.places.contains(.model) { _ = reader.required("model", "what the provider calls the model") }
        let model = reader.optional("model")
            .flatMap { templates.body($0, field: reader.field("model"), allowing: allowed) }
        if reader.optional("model") != nil, model == nil { return nil }
        if entry.textPlaces.contains(.model), let model {
            guard case .constant(.string) = model else {
                reader.reject("model", "must be text without places, since it is part of a longer text")
                return nil
            }
        }
        if entry.places.contains(.path) { _ = reader.required("path", "the path that the model is submitted to") }
        let path = reader.optional("path").flatMap { templates.constant($0, field: reader.field("path")) }
        if let path, !path.hasPrefix("/") {
            reader.reject("path", "must begin with /")
            return nil
        }
        guard let node = reader.optional("inputs") else {
            let all = inputNames.map { ($0, BodyTemplate.value(.input($0))) }
            return ModelParts(model: model, path: path, inputs: .object(Dictionary(uniqueKeysWithValues: all)))
        }
        guard case .mapping = node else {
            reader.reject("inputs", "must be a mapping from the provider's fields to values")
            return nil
        }
        return templates.body(node, field: reader.field("inputs"), allowing: allowed)
            .map { ModelParts(model: model, path: path, inputs: $0) }
    }
}

extension ProviderBinding {
    fileprivate mutating func bind(to parts: ModelParts) {
        submit.request = submit.request.bound(to: parts)
        if let request = poll?.request { poll?.request = request.bound(to: parts) }
        if let request = result.request { result.request = request.bound(to: parts) }
        if let request = cancel?.request { cancel?.request = request.bound(to: parts) }
        if let request = lookUp?.request { lookUp?.request = request.bound(to: parts) }
    }
}

extension DefinitionIssues {
    /// In the order of lines; an issue without a line concerns the whole file, so it comes first.
    var sorted: [DefinitionIssue] { found.sorted { ($0.line ?? 0, $0.field) < ($1.line ?? 0, $1.field) } }
}
