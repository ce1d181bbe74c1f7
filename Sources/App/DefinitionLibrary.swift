import Ledger
import LedgerStore
import Logging
import Registry
import Runs
import Synchronization

/// Records the definitions that this process uses, and gives back versions that only others have used.
final class DefinitionLibrary: DefinitionArchive {
    private struct Version: Hashable {
        let model: String
        let number: Int32
    }

    private struct State {
        var versions: [Version: ModelDefinition] = [:]
        /// What was told already.
        var told: Set<String> = []
        var isBehind = false
    }

    /// How many versions are kept in memory.
    private static let capacity = 64

    private let store: LedgerStore
    private let variables: [String: String]
    private let logger: Logger
    private let state = Mutex(State())

    private init(store: LedgerStore, variables: [String: String], logger: Logger) {
        self.store = store
        self.variables = variables
        self.logger = logger
    }

    /// A library that has recorded the definitions to begin with: before the first run, so that whoever goes on with one
    /// finds its definition.
    static func recording(
        _ registry: ModelRegistry,
        in store: LedgerStore,
        _ configuration: AppConfiguration,
        _ logger: Logger
    ) async -> DefinitionLibrary {
        let library = DefinitionLibrary(store: store, variables: configuration.definitionVariables, logger: logger)
        await library.record(registry)
        return library
    }

    /// Whether definitions in use could not be recorded.
    var isBehind: Bool { state.withLock(\.isBehind) }

    /// Records what is not recorded yet. Of a version that was recorded with another text, the log is told once.
    func record(_ registry: ModelRegistry) async {
        let differences: [DefinitionDifference]
        do throws(LedgerStoreError) {
            differences = try await store.recordDefinitions(registry.models.map(DefinitionVersion.init))
        } catch {
            state.withLock { $0.isBehind = true }
            logger.warning("the definitions can't be recorded now", metadata: ["error": "\(error)"])
            return
        }
        state.withLock { $0.isBehind = false }
        for difference in differences {
            guard let record = registry.definition(named: difference.model)?.record else { continue }
            if difference.isOfModel { tell(record.model, difference) }
            if difference.isOfProvider { tell(record.provider, difference) }
        }
    }

    private func tell(_ file: DefinitionFile, _ difference: DefinitionDifference) {
        let isNews = state.withLock {
            $0.told.insert("\(file.name) \(difference.model) \(difference.version)").inserted
        }
        guard isNews else { return }
        logger.warning(
            "a file has changed and the model's version has not: open runs of it may end by what was recorded",
            metadata: ["file": "\(file.name)", "model": "\(difference.model)", "version": "\(difference.version)"]
        )
    }

    func definition(of model: String, version: Int32) async throws(LedgerFailure) -> ModelDefinition? {
        let key = Version(model: model, number: version)
        if let known = state.withLock({ $0.versions[key] }) { return known }
        let texts: (model: String, provider: String)?
        do throws(LedgerStoreError) {
            texts = try await store.definitionTexts(of: model, version: version)
        } catch {
            throw LedgerFailure(error)
        }
        guard let texts else { return nil }
        let name = "recorded \(model) v\(version)"
        do throws(RegistryError) {
            let registry = try ModelRegistry.load(
                files: [DefinitionFile(name: name, text: texts.model)],
                providers: [DefinitionFile(name: "provider of \(name)", text: texts.provider)],
                variables: variables
            )
            guard let definition = registry.definition(named: model) else { return nil }
            state.withLock { state in
                if state.versions.count >= Self.capacity { state.versions = [:] }
                state.versions[key] = definition
            }
            return definition
        } catch {
            if state.withLock({ $0.told.insert(name).inserted }) {
                logger.warning(
                    "a recorded definition can't be used; its open runs end by the current one",
                    metadata: ["definition": "\(name)", "issues": "\(error.issues)"]
                )
            }
            return nil
        }
    }
}

extension DefinitionVersion {
    fileprivate init(_ definition: ModelDefinition) {
        let record = definition.record
        guard let modelDigest = Digest(bytes: record.modelDigest),
            let providerDigest = Digest(bytes: record.providerDigest)
        else { preconditionFailure("a SHA-256 has 32 bytes") }
        self.init(
            model: definition.internalName,
            version: definition.version,
            modelDigest: modelDigest,
            providerDigest: providerDigest,
            modelText: record.model.text,
            providerText: record.provider.text
        )
    }
}
