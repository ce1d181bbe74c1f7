public import Foundation
public import LocalCluster
import Postgres

/// Which database a command works with: the one that `RUNLEDGER_DATABASE_URL` names, else the private cluster's.
public struct LedgerDatabase: Sendable {
    /// The folder for everything that belongs to this ledger on this machine: `RUNLEDGER_FOLDER`, else `.runledger`.
    public let folder: String
    /// A libpq connection URI; may hold a password.
    public let url: String
    /// The private cluster; nil when a URL was given.
    public let cluster: LocalCluster?

    /// Whether it is in the private cluster.
    public var isPrivate: Bool { cluster != nil }

    /// Reads `RUNLEDGER_DATABASE_URL`, `RUNLEDGER_FOLDER` and `RUNLEDGER_DATABASE`.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.folder = value("RUNLEDGER_FOLDER") ?? ".runledger"
        if let url = value("RUNLEDGER_DATABASE_URL") {
            self.url = url
            self.cluster = nil
        } else {
            let cluster = LocalCluster(folder: "\(folder)/postgres")
            self.url = cluster.connectionURL(database: value("RUNLEDGER_DATABASE") ?? "runledger")
            self.cluster = cluster
        }
    }

    /// The private cluster of another folder.
    public init(folder: String) {
        self.init(environment: ["RUNLEDGER_FOLDER": folder])
    }

    /// Where it is, without any password.
    public var displayName: String {
        if let cluster { return "the private PostgreSQL in \(cluster.folder)" }
        return (try? PostgresConfiguration(url: url).displayName) ?? "RUNLEDGER_DATABASE_URL"
    }

    /// Makes the folder, so that the server's user can reach what is in it.
    public func makeFolder() throws(OperationError) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755]
            )
        } catch {
            throw OperationError(
                .unavailable,
                "The folder \(folder) can't be made: \(error.localizedDescription)",
                advice: "Name one that you may write to with RUNLEDGER_FOLDER."
            )
        }
    }

    /// Starts the private cluster if it does not run; does nothing for a database of a URL.
    ///
    /// - Returns: whether it was started now.
    @discardableResult
    public func startIfPrivate() async throws(OperationError) -> Bool {
        guard let cluster, cluster.postmasterPID == nil else { return false }
        try makeFolder()
        do throws(LocalClusterError) {
            try await cluster.start()
            return true
        } catch {
            throw OperationError(error)
        }
    }

    /// Refuses to go on when the private cluster does not run.
    public func requireRunning() throws(OperationError) {
        guard let cluster else { return }
        switch cluster.status() {
        case .running: return
        case .stopped:
            throw OperationError(
                .unavailable,
                "The private PostgreSQL in \(cluster.folder) does not run.",
                advice: "Start it with: runledger db start"
            )
        case .absent:
            throw OperationError(
                .unavailable,
                "There is no private PostgreSQL in \(cluster.folder) yet.",
                advice: "Create a ledger with: runledger init   (or name a database with RUNLEDGER_DATABASE_URL)"
            )
        }
    }
}
