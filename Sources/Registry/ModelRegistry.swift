internal import FoundationEssentials
internal import Ledger
internal import Yams

/// A definition file: its name, for messages, and its YAML text.
public struct DefinitionFile: Hashable, Sendable {
    /// The name that issues are reported under.
    public let name: String
    /// The YAML text.
    public let text: String

    /// Makes a file.
    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// Every model there is. A value: to reload is to make another.
public struct ModelRegistry: Sendable {
    /// Every definition, the ones that are not enabled too, ordered by name.
    public let models: [ModelDefinition]

    private let enabled: [String: ModelDefinition]

    /// Reads every `*.yaml` file of a folder.
    ///
    /// - Parameters:
    ///   - folder: a path.
    ///   - variables: values for the `${NAME}`s in the files, base URLs and secrets.
    /// - Throws: every issue of every file at once; also when the folder can't be read or has no definition.
    public static func load(folder: String, variables: [String: String]) throws(RegistryError) -> ModelRegistry {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
        } catch {
            throw RegistryError(file: folder, message: "can't be read; it must be a folder of model definitions")
        }
        guard !names.isEmpty else { throw RegistryError(file: folder, message: "has no *.yaml file") }
        var files: [DefinitionFile] = []
        for name in names.sorted() {
            let path = folder + "/" + name
            guard let bytes = FileManager.default.contents(atPath: path),
                let text = String(validating: bytes, as: UTF8.self)
            else { throw RegistryError(file: path, message: "can't be read as UTF-8 text") }
            files.append(DefinitionFile(name: path, text: text))
        }
        return try load(files: files, variables: variables)
    }

    /// Reads definitions from texts; see `load(folder:variables:)`.
    public static func load(
        files: [DefinitionFile],
        variables: [String: String]
    ) throws(RegistryError) -> ModelRegistry {
        var issues: [DefinitionIssue] = []
        var models: [String: ModelDefinition] = [:]
        var firstFiles: [String: String] = [:]
        for file in files {
            let collected = DefinitionIssues(file: file.name)
            let parsed = parse(file, variables: variables, issues: collected)
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
            // An issue without a line concerns the whole file, so it comes first.
            issues += collected.found.sorted { ($0.line ?? 0, $0.field) < ($1.line ?? 0, $1.field) }
        }
        guard issues.isEmpty else { throw RegistryError(issues: issues) }
        return ModelRegistry(models: models.values.sorted { $0.internalName < $1.internalName })
    }

    private init(models: [ModelDefinition]) {
        self.models = models
        self.enabled = Dictionary(
            uniqueKeysWithValues: models.filter(\.isEnabled).map { ($0.internalName, $0) }
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

extension RegistryError {
    init(file: String, message: String) {
        self.init(issues: [DefinitionIssue(file: file, line: nil, field: "", message: message)])
    }
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
        variables: [String: String],
        issues: DefinitionIssues
    ) -> ParsedFile? {
        let root: Node
        do {
            guard let node = try compose(yaml: file.text) else {
                issues.add("is empty", field: "")
                return nil
            }
            root = node
        } catch {
            issues.add(syntax: error)
            return nil
        }
        guard let reader = MappingReader(root, path: "", issues: issues) else { return nil }
        reader.allowOnly(keys)
        let slug = "lower-case letters, digits and hyphens"
        var name = reader.text("internalName", slug)
        if let text = name, !Slug.isValid(text) {
            reader.reject("internalName", "must be 1 to \(Slug.longest) \(slug), not \(text)")
            name = nil
        }
        let definition = definition(reader, name: name ?? "", variables: variables)
        guard let name else { return nil }
        return ParsedFile(name: name, node: reader.optional("internalName") ?? root, definition: definition)
    }

    private static func definition(
        _ reader: MappingReader,
        name: String,
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
            ProviderReader(inputNames: inputs.names, variables: variables).binding(provider)
        }
        guard let displayName, let type, let isEnabled, let tier, let version, let deadline, let unresolved, let price,
            let provider
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
            source: DefinitionSource(reader)
        )
    }
}

extension DefinitionIssues {
    /// Notes what the YAML parser did not understand.
    fileprivate func add(syntax error: any Error) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            add("is not YAML: \(problem)", field: "", line: mark.line)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map(\.description).joined(separator: ", ")
            add("is given twice", field: names, line: context.mark.line)
        default: add("is not YAML: \(error)", field: "")
        }
    }
}
