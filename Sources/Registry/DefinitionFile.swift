internal import FoundationEssentials
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

extension DefinitionFile {
    /// Every `*.yaml` file of a folder, by name.
    static func all(in folder: String, _ kind: String) throws(RegistryError) -> [DefinitionFile] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
        } catch {
            throw RegistryError(file: folder, message: "can't be read; it must be a folder of \(kind) definitions")
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
        return files
    }

    /// The document in a file; nil after noting an issue.
    static func root(_ file: DefinitionFile, issues: DefinitionIssues) -> Node? {
        do {
            guard let node = try compose(yaml: file.text) else {
                issues.add("is empty", field: "")
                return nil
            }
            return node
        } catch {
            issues.add(syntax: error)
            return nil
        }
    }
}

extension RegistryError {
    fileprivate init(file: String, message: String) {
        self.init(issues: [DefinitionIssue(file: file, line: nil, field: "", message: message)])
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
