public import Ledger
import Postgres

/// A version of a model's definition, as its files say it.
public struct DefinitionVersion: Hashable, Sendable {
    /// The model.
    public let model: String
    /// The number that tasks and events name it by.
    public let version: Int32
    /// SHA-256 of what the model's text says.
    public let modelDigest: Digest
    /// SHA-256 of what the provider's text says.
    public let providerDigest: Digest
    /// The model's file.
    public let modelText: String
    /// The file of the provider that it uses.
    public let providerText: String

    /// Makes a version.
    public init(
        model: String,
        version: Int32,
        modelDigest: Digest,
        providerDigest: Digest,
        modelText: String,
        providerText: String
    ) {
        self.model = model
        self.version = version
        self.modelDigest = modelDigest
        self.providerDigest = providerDigest
        self.modelText = modelText
        self.providerText = providerText
    }
}

/// A version of which another text was recorded before.
public struct DefinitionDifference: Hashable, Sendable {
    /// The model.
    public let model: String
    /// The version.
    public let version: Int32
    /// Whether the model's text says something else.
    public let isOfModel: Bool
    /// Whether the provider's text says something else.
    public let isOfProvider: Bool
}

/// Versions of definitions, so that a run ends by its own after a restart. They belong to no journal.
extension LedgerStore {
    /// Records versions that are not recorded yet; what is recorded never changes.
    ///
    /// - Returns: those of which something else is recorded.
    public func recordDefinitions(
        _ definitions: [DefinitionVersion]
    ) async throws(LedgerStoreError) -> [DefinitionDifference] {
        do throws(PostgresError) {
            return try await client.query(RecordDefinitions(definitions: definitions, now: clock()))
        } catch {
            throw LedgerStoreError(error)
        }
    }

    /// The texts of a recorded version; nil when it is not recorded.
    public func definitionTexts(
        of model: String,
        version: Int32
    ) async throws(LedgerStoreError) -> (model: String, provider: String)? {
        try await ask(LoadDefinition(model: model, version: version)).first
    }
}
