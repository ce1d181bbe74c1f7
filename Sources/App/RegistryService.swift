import Logging
import Registry
import Runs
import ServiceLifecycle
import UnixSignals

/// Takes over changes of the definition files while the service runs: looks every few seconds, and at once on SIGHUP.
struct RegistryService: Service {
    let reloader: RegistryReloader
    let models: ModelCatalogue
    let library: DefinitionLibrary
    let logger: Logger
    var interval: Duration = .seconds(3)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) {
                        logger.notice("SIGHUP: the definitions are read again")
                        await report(reloader.look(evenIfUnchanged: true))
                    }
                }
                group.addTask {
                    while !Task.isCancelled {
                        await report(reloader.look())
                        try? await Task.sleep(for: interval)
                    }
                }
            }
        }
    }

    private func report(_ outcome: RegistryReloader.Outcome) async {
        switch outcome {
        case .unchanged: if library.isBehind { await library.record(models.current) }
        case .reloaded(let change):
            await library.record(models.current)
            guard !change.isEmpty else { break }
            logger.notice(
                "the models have changed",
                metadata: [
                    "added": "\(change.added.joined(separator: " "))",
                    "changed": "\(change.changed.joined(separator: " "))",
                    "removed": "\(change.removed.joined(separator: " "))",
                ]
            )
        case .refused(let error):
            for issue in error.issues {
                logger.error("a definition is refused; the models stay as they are", metadata: ["issue": "\(issue)"])
            }
        }
    }
}

extension AppConfiguration {
    /// Reads and validates the definition files.
    func loadRegistry() throws(RegistryError) -> ModelRegistry {
        try ModelRegistry.load(folder: modelsFolder, variables: definitionVariables)
    }

    /// What keeps a service's models up with the definition files.
    func reloader(of runs: RunService) -> RegistryReloader {
        let folders = [modelsFolder, ModelRegistry.providersFolder(beside: modelsFolder)]
        return RegistryReloader(catalogue: runs.models, folders: folders) { () throws(RegistryError) in
            try loadRegistry()
        }
    }
}
