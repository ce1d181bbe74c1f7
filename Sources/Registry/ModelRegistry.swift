internal import Ledger
internal import Yams

/// Every model there is. A value: to reload is to make another.
public struct ModelRegistry: Sendable {
    /// Every definition, the ones that are not enabled too, ordered by name.
    public let models: [ModelDefinition]

    private let enabled: [String: ModelDefinition]

    /// Reads every `*.yaml` file of a folder, and the providers that they use.
    ///
    /// - Parameters:
    ///   - folder: a path to the models' definitions.
    ///   - providersFolder: a path to the providers' definitions; nil for `providers` beside `folder`.
    ///   - variables: values for the `${NAME}`s in the files, base URLs and secrets. Only those of providers that an
    ///     enabled model uses must be there.
    /// - Throws: every issue of every file at once; also when a folder can't be read or has no definition.
    public static func load(
        folder: String,
        providersFolder: String? = nil,
        variables: [String: String]
    ) throws(RegistryError) -> ModelRegistry {
        try load(
            files: DefinitionFile.all(in: folder, "model"),
            providers: DefinitionFile.all(in: providersFolder ?? Self.providersFolder(beside: folder), "provider"),
            variables: variables
        )
    }

    /// The folder that `load(folder:providersFolder:variables:)` reads providers from unless it is told otherwise.
    public static func providersFolder(beside folder: String) -> String {
        var path = folder[...]
        while path.count > 1, path.last == "/" { path = path.dropLast() }
        guard let slash = path.lastIndex(of: "/") else { return "providers" }
        return path[...slash] + "providers"
    }

    /// Reads definitions from texts; see `load(folder:providersFolder:variables:)`.
    public static func load(
        files: [DefinitionFile],
        providers: [DefinitionFile],
        variables: [String: String]
    ) throws(RegistryError) -> ModelRegistry {
        var catalog = ProviderCatalog(files: providers, variables: variables)
        var issues = catalog.issues
        var models: [String: ModelDefinition] = [:]
        var firstFiles: [String: String] = [:]
        for file in files {
            let collected = DefinitionIssues(file: file.name)
            let parsed = parse(file, catalog: &catalog, variables: variables, issues: collected)
            if let parsed {
                if let first = firstFiles[parsed.name] {
                    collected.add(
                        "\(parsed.name) is already defined in \(first)",
                        field: "internalName",
                        at: parsed.node
                    )
                } else {
                    firstFiles[parsed.name] = file.name
                }
                models[parsed.name] = parsed.definition
            }
            issues += collected.sorted
        }
        issues += catalog.missingVariables
        guard issues.isEmpty else { throw RegistryError(issues: issues) }
        return ModelRegistry(models: models.values.sorted { $0.internalName < $1.internalName })
    }

    private init(models: [ModelDefinition]) {
        self.models = models
        self.enabled = Dictionary(
            uniqueKeysWithValues: models.filter(\.isEnabled).map { ($0.internalName, $0) }
        )
    }

    /// The same definitions, with some models not enabled.
    func disabling(_ names: Set<String>) -> ModelRegistry {
        if names.isEmpty { return self }
        return ModelRegistry(
            models: models.map { model in
                var model = model
                if names.contains(model.internalName) { model.isEnabled = false }
                return model
            }
        )
    }

    /// The enabled model of that name, or nil.
    public func model(named name: String) -> ModelDefinition? { enabled[name] }

    /// The model of that name, enabled or not, or nil.
    public func definition(named name: String) -> ModelDefinition? {
        enabled[name] ?? models.first { $0.internalName == name }
    }

    /// Every enabled model, ordered by name.
    public var enabledModels: [ModelDefinition] { models.filter(\.isEnabled) }
}

extension ModelRegistry {
    private struct ParsedFile {
        let name: String
        let node: Node
        let definition: ModelDefinition?
    }

    private static let keys = [
        "internalName", "displayName", "type", "enabled", "requiredTier", "version", "inputs", "rules", "price",
        "deadlineSeconds", "unresolved", "provider",
    ]

    /// The name in a file, and, when nothing is wrong with it, the definition.
    private static func parse(
        _ file: DefinitionFile,
        catalog: inout ProviderCatalog,
        variables: [String: String],
        issues: DefinitionIssues
    ) -> ParsedFile? {
        guard let root = DefinitionFile.root(file, issues: issues) else { return nil }
        guard let reader = MappingReader(root, path: "", issues: issues) else { return nil }
        reader.allowOnly(keys)
        let slug = "lower-case letters, digits and hyphens"
        var name = reader.text("internalName", slug)
        if let text = name, !Slug.isValid(text) {
            reader.reject("internalName", "must be 1 to \(Slug.longest) \(slug), not \(text)")
            name = nil
        }
        let definition = definition(reader, file, name: name ?? "", catalog: &catalog, variables: variables)
        guard let name else { return nil }
        return ParsedFile(name: name, node: reader.optional("internalName") ?? root, definition: definition)
    }

    private static func definition(
        _ reader: MappingReader,
        _ file: DefinitionFile,
        name: String,
        catalog: inout ProviderCatalog,
        variables: [String: String]
    ) -> ModelDefinition? {
        let displayName = reader.text("displayName", "the name that people read")
        let type = reader.choice("type", ModelType.self)
        let isEnabled = reader.flag("enabled", default: true)
        let tier = reader.choice("requiredTier", Tier.self)
        let version = reader.wholeNumber("version", in: 1...Int64(Int32.max))
        let deadline = reader.wholeNumber("deadlineSeconds", in: 1...86_400, default: 300)
        var unresolved: UnresolvedPolicy?
        if let policy = reader.mapping("unresolved", "a mapping of holdSeconds and policy") {
            policy.allowOnly(["holdSeconds", "policy"])
            let seconds = policy.wholeNumber("holdSeconds", in: 1...2_592_000)
            let action = policy.choice("policy", UnresolvedPolicy.Action.self)
            if let seconds, let action { unresolved = UnresolvedPolicy(holdSeconds: Int(seconds), action: action) }
        }
        let rules = reader.ruleList("rules")
        let fields = reader.mapping("inputs", "a mapping from field names to fields")
        guard let inputs = fields?.inputSchema(rules: rules), rules != nil else { return nil }
        let price = reader.mapping("price", "a price rule")?.priceRule(for: inputs)
        let provider = reader.mapping("provider", "who does the work").flatMap { provider in
            catalog.bind(
                provider,
                inputNames: inputs.names,
                variables: variables,
                isEnabled: isEnabled ?? true
            )
        }
        guard let displayName, let type, let isEnabled, let tier, let version, let deadline, let unresolved, let price,
            let provider, let providerSource = catalog.source(of: provider.name)
        else { return nil }
        return ModelDefinition(
            internalName: name,
            displayName: displayName,
            type: type,
            isEnabled: isEnabled,
            requiredTier: tier,
            version: Int32(version),
            inputs: inputs.schema,
            price: price,
            deadlineSeconds: Int(deadline),
            unresolved: unresolved,
            provider: provider,
            source: DefinitionSource(reader, text: file.text, provider: providerSource)
        )
    }
}
