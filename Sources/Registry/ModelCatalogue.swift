import Synchronization

/// The registry in use, and recent definitions that it replaced: runs that were admitted under one of these end under it.
public final class ModelCatalogue: Sendable {
    fileprivate struct State {
        var current: ModelRegistry
        /// As it was read, before operators switched models off.
        var loaded: ModelRegistry
        /// Names of models that operators have switched off.
        var switchedOff: Set<String> = []
        /// By name, the definitions that were in use, oldest first; never the current one.
        var former: [String: [ModelDefinition]] = [:]
        /// Names of models that are gone, in the order in which they went.
        var gone: [String] = []
    }

    /// How many former versions of one model are kept.
    public static let formerVersionsPerModel = 8
    /// How many models that are gone are remembered.
    public static let goneModels = 256

    private let state: Mutex<State>

    /// Makes a catalogue that begins with a registry.
    public init(_ registry: ModelRegistry) { self.state = Mutex(State(current: registry, loaded: registry)) }

    /// The registry in use.
    public var current: ModelRegistry { state.withLock(\.current) }

    /// The enabled model of that name, or nil.
    public func model(named name: String) -> ModelDefinition? { current.model(named: name) }

    /// A definition that is in use, enabled or not, or that was until lately, or nil.
    ///
    /// At most `formerVersionsPerModel` versions of each model are kept, and only those that this process has seen.
    public func model(named name: String, version: Int32) -> ModelDefinition? {
        state.withLock { state in
            if let model = state.current.definition(named: name), model.version == version { return model }
            return state.former[name]?.last { $0.version == version }
        }
    }

    /// Puts a registry in the place of the current one.
    ///
    /// - Returns: what changes by it.
    /// - Throws: every definition and price that differs from what was in use under the same version, or that goes back to
    ///   a lower version. The registry in use then stays.
    @discardableResult
    public func replace(with next: ModelRegistry) throws(RegistryError) -> RegistryChange {
        let outcome: Result<RegistryChange, RegistryError> = state.withLock { state in
            var issues: [DefinitionIssue] = []
            for model in next.models {
                guard let former = state.lastKnown(model.internalName) else { continue }
                model.checkSuccession(of: former, issues: &issues)
            }
            guard issues.isEmpty else { return .failure(RegistryError(issues: issues)) }
            state.loaded = next
            return .success(state.replace(with: next.disabling(state.switchedOff)))
        }
        return try outcome.get()
    }

    /// Switches models off, whatever their definitions say, and all others on again whose definitions say so. Runs under
    /// way go on.
    ///
    /// - Returns: what changes by it.
    @discardableResult
    public func switchOff(_ names: Set<String>) -> RegistryChange {
        state.withLock { state in
            guard names != state.switchedOff else { return RegistryChange() }
            state.switchedOff = names
            return state.replace(with: state.loaded.disabling(names))
        }
    }

    /// The definitions as they were read, whatever operators have switched off since.
    public var loaded: ModelRegistry { state.withLock(\.loaded) }
}

/// What a reload has changed.
public struct RegistryChange: Hashable, Sendable {
    /// Models that were not there before, by name.
    public var added: [String] = []
    /// Models with a new version, or that were enabled or disabled, by name.
    public var changed: [String] = []
    /// Models that are gone, by name.
    public var removed: [String] = []

    /// Nothing has changed.
    public init() {}

    /// Whether every model is as it was. Addresses and keys of providers may differ all the same.
    public var isEmpty: Bool { added.isEmpty && changed.isEmpty && removed.isEmpty }
}

extension ModelCatalogue.State {
    fileprivate func lastKnown(_ name: String) -> ModelDefinition? {
        current.definition(named: name) ?? former[name]?.last
    }

    fileprivate mutating func replace(with next: ModelRegistry) -> RegistryChange {
        var change = RegistryChange()
        for model in next.models {
            guard let before = current.definition(named: model.internalName) else {
                change.added.append(model.internalName)
                gone.removeAll { $0 == model.internalName }
                if former[model.internalName]?.last?.version == model.version {
                    former[model.internalName]?.removeLast()
                }
                continue
            }
            let isNew = before.version != model.version
            if isNew { keep(before) }
            if isNew || before.isEnabled != model.isEnabled { change.changed.append(model.internalName) }
        }
        for before in current.models where next.definition(named: before.internalName) == nil {
            keep(before)
            gone.append(before.internalName)
            change.removed.append(before.internalName)
        }
        while gone.count > ModelCatalogue.goneModels { former[gone.removeFirst()] = nil }
        current = next
        return change
    }

    private mutating func keep(_ model: ModelDefinition) {
        var versions = former[model.internalName, default: []]
        versions.append(model)
        former[model.internalName] = versions.suffix(ModelCatalogue.formerVersionsPerModel)
    }
}
