import Foundation
public import LocalCluster

/// Clusters that are removed when the test process ends, however it ends.
public enum TemporaryCluster {
    /// Starts a cluster in a new folder under `/tmp`.
    ///
    /// - Parameters:
    ///   - durable: whether it survives crashes of the machine; those of the server it always survives.
    ///   - settings: PostgreSQL's settings by name.
    public static func start(durable: Bool, settings: [String: String] = [:]) async throws -> LocalCluster {
        let folder = "/tmp/runledger-test-\(UUID().uuidString.prefix(8).lowercased())"
        CleanupWatchdog.watch(folder: folder)
        let cluster = LocalCluster(folder: folder, durable: durable, settings: settings)
        try await cluster.start()
        return cluster
    }

    /// Starts a cluster of its own for the body, for tests that kill or restart the server, and removes it afterwards.
    ///
    /// - Parameters:
    ///   - durable: whether commits wait for the disk, as in production.
    ///   - settings: PostgreSQL's settings by name.
    ///   - body: receives the running cluster.
    public static func with<Value>(
        durable: Bool = true,
        settings: [String: String] = [:],
        _ body: (LocalCluster) async throws -> sending Value
    ) async throws -> sending Value {
        let cluster = try await start(durable: durable, settings: settings)
        do {
            let value = try await body(cluster)
            try await cluster.remove()
            return value
        } catch {
            try? await cluster.remove()
            throw error
        }
    }
}
