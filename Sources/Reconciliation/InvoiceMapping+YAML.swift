internal import FoundationEssentials
internal import Yams

extension InvoiceMapping {
    /// Reads a mapping.
    ///
    /// - Parameters:
    ///   - yaml: the text.
    ///   - name: the name it is chosen by, which errors tell.
    public init(yaml: String, name: String) throws(InvoiceError) {
        func wrong(_ field: String, _ message: String) -> InvoiceError {
            InvoiceError("mapping \(name), \(field): \(message)")
        }
        let root: Node?
        do {
            root = try compose(yaml: yaml)
        } catch {
            throw wrong("text", "it is no YAML: \(error)")
        }
        guard let root, root.mapping != nil else { throw wrong("text", "a YAML object is needed") }
        let known = ["columns", "currency", "models", "providers", "skip", "unit"]
        var members: [String: Node] = [:]
        for (key, value) in root.mapping ?? [:] {
            guard let key = key.string, known.contains(key) else {
                throw wrong(
                    key.string ?? "?",
                    "there is no such field; those there are: \(known.joined(separator: ", "))"
                )
            }
            members[key] = value
        }
        var columns: [Field: [String]] = [:]
        for (key, value) in members["columns"]?.mapping ?? [:] {
            guard let field = key.string.flatMap({ Field(rawValue: $0) }) else {
                let fields = Field.allCases.map(\.rawValue).joined(separator: ", ")
                throw wrong("columns", "\(key.string ?? "?") is none of \(fields)")
            }
            columns[field] = try Self.texts(value) { wrong("columns.\(field.rawValue)", $0) }
        }
        for field in [Field.day, .amount] where columns[field] == nil {
            throw wrong("columns.\(field.rawValue)", "it is missing")
        }
        guard columns[.request] != nil || columns[.model] != nil else {
            throw wrong("columns", "a request or a model is needed to find runs by")
        }
        guard let unit = ExactDecimal(members["unit"]?.string ?? "1"), unit.isPositive else {
            throw wrong("unit", "a number above zero is needed")
        }
        let currency = members["currency"]?.string ?? "USD"
        guard Currency.isCode(currency) else { throw wrong("currency", "three capital letters are needed") }
        var skipped: [String: Set<String>] = [:]
        for (key, value) in members["skip"]?.mapping ?? [:] {
            guard let column = key.string else { throw wrong("skip", "the name of a column is needed") }
            skipped[column] = Set(try Self.texts(value) { wrong("skip.\(column)", $0) })
        }
        self.init(
            name: name,
            columns: columns,
            providerNames: try Self.names(members["providers"]) { wrong("providers", $0) },
            unit: unit,
            currency: currency,
            skipped: skipped,
            models: try Self.names(members["models"]) { wrong("models", $0) }
        )
    }

    private static func texts(
        _ node: Node,
        _ wrong: (String) -> InvoiceError
    ) throws(InvoiceError) -> [String] {
        let nodes = node.sequence.map { Array($0) } ?? [node]
        let texts = nodes.compactMap(\.string)
        guard texts.count == nodes.count, !texts.isEmpty, !texts.contains("") else {
            throw wrong("a text or a list of texts is needed")
        }
        return texts
    }

    private static func names(
        _ node: Node?,
        _ wrong: (String) -> InvoiceError
    ) throws(InvoiceError) -> [String: String] {
        var names: [String: String] = [:]
        for (key, value) in node?.mapping ?? [:] {
            guard let key = key.string, let value = value.string else { throw wrong("a text for each text is needed") }
            names[key] = value
        }
        return names
    }
}

/// What was built in: a mapping for each provider, and the rules of tolerance.
public enum BuiltInRules {
    /// The mapping with a name; nil when there is none.
    public static func mapping(named name: String) throws(InvoiceError) -> InvoiceMapping? {
        guard name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 }),
            let text = text(of: "\(name).yaml")
        else { return nil }
        return try InvoiceMapping(yaml: text, name: name)
    }

    /// The names of all mappings, in order.
    public static var mappingNames: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }

    /// The rules of tolerance.
    public static func tolerances() throws(InvoiceError) -> ToleranceTable {
        guard let text = text(of: "tolerances.txt") else {
            throw InvoiceError("the program lacks its file tolerances.txt")
        }
        return try ToleranceTable(text)
    }

    private static func text(of name: String) -> String? {
        FileManager.default.contents(atPath: "\(folder)/\(name)").flatMap { String(validating: $0, as: UTF8.self) }
    }
}
