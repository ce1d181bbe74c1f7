internal import Yams

/// Where a definition was read, and digests of what its versions stand for.
struct DefinitionSource: Hashable, Sendable {
    /// The file's name.
    let file: String
    /// The line of `version`.
    let versionLine: Int?
    /// The line of `price.version`.
    let priceVersionLine: Int?
    /// SHA-256 of the definition without comments, layout, `version` and `enabled`, as canonical JSON.
    let definitionDigest: [UInt8]
    /// SHA-256 of the price without its version.
    let priceDigest: [UInt8]
    /// The whole text.
    let text: String
    /// The file of the provider that it uses.
    let provider: ProviderSource

    /// Digests a definition file. What it takes from the configuration and the provider's file is no part of a version: an
    /// address or key may change at any time.
    init(_ reader: MappingReader, text: String, provider: ProviderSource) {
        let price = reader.optional("price").flatMap { MappingReader.json($0) }?.objectValue ?? [:]
        var members = MappingReader.json(reader.node)?.objectValue ?? [:]
        members["version"] = nil
        members["enabled"] = nil
        self.file = reader.issues.file
        self.versionLine = reader.optional("version")?.mark?.line
        self.priceVersionLine = reader.optional("price")?["version"]?.mark?.line
        self.definitionDigest = JSONValue.object(members).canonicalDigest
        self.priceDigest = JSONValue.object(price.filter { $0.key != "version" }).canonicalDigest
        self.text = text
        self.provider = provider
    }
}

/// A provider's file, and what it says.
struct ProviderSource: Hashable, Sendable {
    let file: DefinitionFile
    /// SHA-256 of the definition without comments and layout, as canonical JSON.
    let digest: [UInt8]
}

/// The files that a definition was read from, with digests of what they say.
public struct DefinitionRecord: Sendable {
    /// The model's file.
    public let model: DefinitionFile
    /// SHA-256 of what it says, without comments, layout, `version` and `enabled`.
    public let modelDigest: [UInt8]
    /// The file of the provider that it uses.
    public let provider: DefinitionFile
    /// SHA-256 of what that says, without comments and layout.
    public let providerDigest: [UInt8]
}

extension ModelDefinition {
    /// The files that it was read from.
    public var record: DefinitionRecord {
        DefinitionRecord(
            model: DefinitionFile(name: source.file, text: source.text),
            modelDigest: source.definitionDigest,
            provider: source.provider.file,
            providerDigest: source.provider.digest
        )
    }
}

extension ModelDefinition {
    /// Adds to `issues` why this can't follow a definition of the same model: what changed must have a higher version,
    /// because events name a version and mean one thing by it.
    func checkSuccession(of former: ModelDefinition, issues: inout [DefinitionIssue]) {
        func reject(_ field: String, _ line: Int?, _ message: String) {
            issues.append(DefinitionIssue(file: source.file, line: line, field: field, message: message))
        }
        if version < former.version {
            reject("version", source.versionLine, "must be at least \(former.version), which was in use before")
        } else if version == former.version, source.definitionDigest != former.source.definitionDigest {
            reject(
                "version",
                source.versionLine,
                "must be above \(former.version): the definition has changed since that version was in use"
            )
        }
        if priceVersion < former.priceVersion {
            reject(
                "price.version",
                source.priceVersionLine,
                "must be at least \(former.priceVersion), which was in use before"
            )
        } else if priceVersion == former.priceVersion, source.priceDigest != former.source.priceDigest {
            reject(
                "price.version",
                source.priceVersionLine,
                "must be above \(former.priceVersion): the price has changed since that version was in use"
            )
        }
    }
}
