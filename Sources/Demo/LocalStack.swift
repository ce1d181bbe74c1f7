import App
import Foundation
import LedgerStore
import LocalCluster
import Migrations
package import Operations

/// Everything that a run of the demo needs on this machine: the database, the simulator, the service.
package struct LocalStack {
    let database: LedgerDatabase
    let report: LedgerSetup.Report
    let startedDatabase: Bool
    package let simulator: LocalService
    package let service: LocalService
    /// Lets in operators of the service: the environment's, else made anew at each start.
    let adminToken: String

    /// How far the start is, with what there is to say about a finished step.
    package enum Progress {
        case started(String)
        case finished(String, String, Duration)
    }

    /// Starts everything that does not run, and stops it again if a part of it fails.
    ///
    /// - Parameters:
    ///   - port: the service's port; 0 for any that is free.
    ///   - simulatorArguments: beside its port.
    ///   - serviceSettings: variables of the service, beside those that make it work here.
    ///   - keepsDatabase: whether a private cluster's data stays when the start fails.
    ///   - progress: called before and after each step.
    package static func start(
        _ database: LedgerDatabase,
        port: Int,
        simulatorArguments: [String] = [],
        serviceSettings: [String: String] = [:],
        keepsDatabase: Bool,
        progress: (Progress) -> Void
    ) async throws -> LocalStack {
        var clock = StepClock()
        let logs = "\(database.folder)/logs"
        var services: [LocalService] = []
        var startedDatabase = false
        do {
            progress(.started("PostgreSQL"))
            startedDatabase = try await database.startIfPrivate()
            progress(.finished("PostgreSQL", Self.place(database), clock.lap()))
            progress(.started("ledger"))
            let report = try await LedgerSetup(database).initialize()
            progress(.finished("ledger", Self.words(report), clock.lap()))
            try Task.checkCancellation()
            progress(.started("simulator"))
            let simulator = try await LocalService.start(
                name: "simulator",
                arguments: ["simulator", "--port", "0"] + simulatorArguments,
                environment: [:],
                logFolder: logs
            )
            services.append(simulator)
            progress(.finished("simulator", "\(simulator.url)  stands in for every provider", clock.lap()))
            progress(.started("service"))
            let adminToken = setting("RUNLEDGER_ADMIN_TOKEN") ?? Self.makeToken()
            let service = try await LocalService.start(
                name: "service",
                arguments: ["serve", "--host", "127.0.0.1", "--port", String(port)],
                environment: settings(database, simulator, adminToken).merging(serviceSettings) { $1 },
                logFolder: logs
            )
            services.append(service)
            progress(.finished("service", service.url, clock.lap()))
            return LocalStack(
                database: database,
                report: report,
                startedDatabase: startedDatabase,
                simulator: simulator,
                service: service,
                adminToken: adminToken
            )
        } catch {
            for service in services.reversed() { await service.stop() }
            if startedDatabase { try? await database.cluster?.stop() }
            if startedDatabase, !keepsDatabase { try? await database.cluster?.remove() }
            throw error
        }
    }

    /// Stops what was started, the service first, so that its runs end in order.
    package func stop() async {
        await service.stop()
        await simulator.stop()
        if startedDatabase { try? await database.cluster?.stop() }
    }

    /// The last lines of both logs, for a message about a failure.
    var logTails: String {
        "service:\n\(service.logTail(8))\nsimulator:\n\(simulator.logTail(4))"
    }

    private static func settings(
        _ database: LedgerDatabase,
        _ simulator: LocalService,
        _ adminToken: String
    ) -> [String: String] {
        [
            "RUNLEDGER_DATABASE_URL": database.url, "RUNLEDGER_SIMULATOR_URL": simulator.url,
            "RUNLEDGER_ADMIN_TOKEN": adminToken,
            "RUNLEDGER_DATA_KEY": setting("RUNLEDGER_DATA_KEY") ?? dataKey(in: database.folder),
            "RUNLEDGER_MEDIA_FOLDER": setting("RUNLEDGER_MEDIA_FOLDER") ?? "\(database.folder)/media",
            // Webhooks go to receivers on this machine.
            "RUNLEDGER_EGRESS_ALLOWS_LOOPBACK": "true",
        ]
    }

    /// A master key that stays with the folder, so that the next start opens what this one seals.
    private static func dataKey(in folder: String) -> String {
        let path = "\(folder)/data-key"
        if FileManager.default.contents(atPath: path) == nil {
            _ = FileManager.default.createFile(
                atPath: path,
                contents: Data(MasterKeys.makeSetting().utf8),
                attributes: [.posixPermissions: 0o600]
            )
        }
        return "file:\(path)"
    }

    private static func setting(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// 256 random bits.
    private static func makeToken() -> String {
        (0..<32).map { _ in
            let byte = UInt8.random(in: .min ... .max)
            return String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    private static func place(_ database: LedgerDatabase) -> String {
        guard database.isPrivate else { return database.displayName }
        return "a private cluster in \(database.folder), reached through a Unix socket"
    }

    private static func words(_ report: LedgerSetup.Report) -> String {
        let files = report.migration.steps.count
        let state = report.createdLedger ? "created" : "found"
        return "\(state): \(report.journalCount) journals"
            + (files > 0 ? ", \(Numbers.count(files, "SQL file")) applied" : "")
    }
}

/// Measures one step after the other.
private struct StepClock {
    private var last = ContinuousClock.now

    mutating func lap() -> Duration {
        let now = ContinuousClock.now
        defer { last = now }
        return now - last
    }
}
