internal import Foundation
internal import Registry
internal import Yams

/// Something that is wrong in the files that describe the API.
public struct DescriptionError: Error, Hashable, CustomStringConvertible {
    /// The file, by its path below the folder.
    public let file: String
    /// What is wrong, and where.
    public let message: String

    /// Makes an error.
    public init(file: String, _ message: String) {
        self.file = file
        self.message = message
    }

    /// File and message.
    public var description: String { "\(file): \(message)" }
}

extension DocumentValue {
    /// Reads a YAML file.
    ///
    /// - Throws: where the file can't be read, is no YAML, or holds what JSON has no word for.
    init(file name: String, in folder: String) throws(DescriptionError) {
        guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)"),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw DescriptionError(file: name, "can't be read as UTF-8 text") }
        let node: Node?
        do {
            node = try compose(yaml: text)
        } catch {
            throw DescriptionError(file: name, "is not YAML: \(error)")
        }
        guard let node else { throw DescriptionError(file: name, "is empty") }
        self = try DocumentValue(node, file: name)
    }

    private init(_ node: Node, file: String) throws(DescriptionError) {
        switch node {
        case .scalar(let scalar): self = .scalar(JSONValue(scalar))
        case .sequence(let sequence):
            var elements: [DocumentValue] = []
            for element in sequence { elements.append(try DocumentValue(element, file: file)) }
            self = .list(elements)
        case .mapping(let mapping):
            var members: [Member] = []
            for (key, value) in mapping {
                guard let name = key.scalar?.string else {
                    throw DescriptionError(file: file, "line \(key.mark?.line ?? 0): a name must be plain text")
                }
                members.append(Member(name, try DocumentValue(value, file: file)))
            }
            self = .object(members)
        case .alias:
            throw DescriptionError(file: file, "line \(node.mark?.line ?? 0): aliases are not taken")
        }
    }
}

extension JSONValue {
    /// What a scalar says: words in quotes are text; others may be null, true, false or a number (YAML's JSON schema).
    fileprivate init(_ scalar: Node.Scalar) {
        let text = scalar.string
        guard scalar.style == .plain || scalar.style == .any else {
            self = .string(text)
            return
        }
        switch text {
        case "", "~", "null": self = .null
        case "true": self = .bool(true)
        case "false": self = .bool(false)
        default:
            if let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
                let number = try? JSONValue(text: text)
            {
                self = number
            } else {
                self = .string(text)
            }
        }
    }
}
