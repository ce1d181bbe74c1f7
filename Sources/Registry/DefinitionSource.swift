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

    /// Digests a definition file. What it takes from the configuration and the provider's file is no part of a version: an
    /// address or key may change at any time.
    init(_ reader: MappingReader) {
        let price = reader.optional("price").flatMap { MappingReader.json($0) }?.objectValue ?? [:]
        var members = MappingReader.json(reader.node)?.objectValue ?? [:]
        members["version"] = nil
        members["enabled"] = nil
        self.file = reader.issues.file
        self.versionLine = reader.optional("version")?.mark?.line
        self.priceVersionLine = reader.optional("price")?["version"]?.mark?.line
        self.definitionDigest = JSONValue.object(members).canonicalDigest
        self.priceDigest = JSONValue.object(price.filter { $0.key != "version" }).canonicalDigest
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
