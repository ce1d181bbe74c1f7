import App
import AsyncHTTPClient
import Foundation
import Glibc
import Ledger
import LedgerStore
import LocalCluster
import NIOCore
import NIOHTTP1
import Operations
import Registry
import Runs
import Synchronization
import TestSupport
import Testing

/// A ledger in a durable cluster of its own, with a provider simulator and services, each a process as in production.
///
/// Everything that was started is stopped when the body ends, and when the test process ends, however it does.
final class Stack: Sendable {
    let cluster: LocalCluster
    let databaseURL: String
    let http: HTTPClient
    let folder: String
    private let processes = Mutex<[ServiceProcess]>([])
    private let connection: LedgerConnection
    let simulatorPort: Int

    /// Starts a ledger with a simulator, and stops everything after the body.
    static func with(_ body: @Sendable (Stack) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try await TemporaryCluster.with(durable: true) { cluster in
                let stack = try await Stack(cluster: cluster, folder: folder)
                do {
                    try await body(stack)
                } catch {
                    await stack.stop()
                    throw error
                }
                await stack.stop()
            }
        }
    }

    /// Makes a signing key for the transparency log, and returns its file.
    func makeLogKey() async throws -> String {
        let file = "\(folder)/tlog.key"
        let arguments = ["audit", "key", file, "--name", "ledger.example"]
        try await Program.run(arguments, databaseURL: databaseURL).expectSuccess()
        return file
    }

    private init(cluster: LocalCluster, folder: String) async throws {
        self.cluster = cluster
        self.folder = folder
        self.databaseURL = cluster.connectionURL(database: "runledger")
        try await Program.run(["init", "--journals", "4"], databaseURL: databaseURL).expectSuccess()
        let simulator = try Program.start(
            ["simulator", "--port", "0"],
            databaseURL: databaseURL,
            logPath: "\(folder)/simulator.log"
        )
        self.simulatorPort = try await Program.port(of: simulator)
        self.connection = try await LedgerConnection.open(databaseURL: databaseURL, sessions: 2)
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1_024
        configuration.connectionPool.retryConnectionEstablishment = false
        self.http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        processes.withLock { $0.append(simulator) }
    }

    private func stop() async {
        for process in processes.withLock({ $0 }) { await process.stop(SIGKILL) }
        await connection.close()
        try? await http.shutdown()
    }

    /// Starts a service and returns when it takes requests.
    ///
    /// - Parameters:
    ///   - port: the port; 0 for any that is free.
    ///   - models: the folder of the models' definitions, with the providers' beside it; nil for those that are shipped.
    ///   - environment: settings beside the usual ones.
    func startService(
        port: Int = 0,
        models: String? = nil,
        environment: [String: String] = [:]
    ) async throws -> RunningService {
        let number = processes.withLock(\.count)
        let process = try Program.start(
            [
                "serve", "--port", "\(port)", "--models", models ?? "\(Program.sources)/models",
                "--simulator", "http://127.0.0.1:\(simulatorPort)",
            ],
            databaseURL: databaseURL,
            environment: environment,
            logPath: "\(folder)/service-\(number).log"
        )
        processes.withLock { $0.append(process) }
        return RunningService(process: process, port: try await Program.port(of: process))
    }

    // MARK: Accounts

    /// Opens an account with a key that may run every model.
    ///
    /// - Parameters:
    ///   - capabilities: what else the key may do.
    ///   - isKeyless: whether there is no key, which some plans have none of.
    func openAccount(
        tier: Tier = .business,
        credits: Int64 = 0,
        freeRuns: Int64 = 0,
        capabilities: [String] = [],
        isKeyless: Bool = false
    ) async throws -> Customer {
        let desk = AccountDesk(connection)
        let account = try await desk.openAccount(tier: tier)
        if credits > 0 { _ = try await desk.addCredits(Credits(whole: credits), to: account, kind: .topUp) }
        if freeRuns > 0 { _ = try await desk.issueGrant(of: Call.textModel, .runs(freeRuns), to: account) }
        if isKeyless { return Customer(account: account, key: "", keyID: KeyID(Identifier128(high: 0, low: 0))) }
        return try await issueKey(to: account, ["model:run", "execution:read", "execution:cancel"] + capabilities)
    }

    /// Issues a key of an account that may do what is given, and nothing else.
    func issueKey(to account: AccountID, _ capabilities: [String]) async throws -> Customer {
        let known = capabilities.compactMap { Capability($0) }
        let secret = try await AccountDesk(connection).issueKey(to: account, name: "test", capabilities: known)
        return Customer(account: account, key: secret.text, keyID: secret.keyID)
    }

    /// An account as it stands.
    func state(of customer: Customer) async throws -> LedgerState {
        try #require(try await connection.store.state(of: customer.account))
    }

    /// Rows of a query, as the superuser.
    func rows(_ sql: String) async throws -> [[String]] {
        try await cluster.psql(sql, database: "runledger").split(separator: "\n").map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// What `verify` finds.
    func verify() async throws -> JSONValue {
        let result = try await Program.run(["verify", "--json"], databaseURL: databaseURL)
        return try JSONValue(text: result.expectSuccess().output)
    }

    // MARK: The simulator

    private var simulatorURL: String { "http://127.0.0.1:\(simulatorPort)/_simulator" }

    /// One of the simulator's counts, such as `total`.
    func simulatorCount(_ name: String) async throws -> Int64 {
        let response = try await http.get(url: "\(simulatorURL)/count").get()
        let json = try JSONValue(parsing: response.body.map { Array($0.readableBytesView) } ?? [])
        return try #require(json[name]?.integerValue)
    }

    /// Every run that the simulator was asked for.
    func simulatorRuns() async throws -> [JSONValue] {
        let response = try await http.get(url: "\(simulatorURL)/runs").get()
        let json = try JSONValue(parsing: response.body.map { Array($0.readableBytesView) } ?? [])
        return try #require(json["runs"]?.arrayValue)
    }

    /// The simulator's books, by provider and by run.
    func simulatorBooks() async throws -> JSONValue {
        let response = try await http.get(url: "\(simulatorURL)/books").get()
        return try JSONValue(parsing: response.body.map { Array($0.readableBytesView) } ?? [])
    }

    /// Tells the simulator how to behave.
    func script(_ script: JSONValue) async throws {
        let response = try await http.post(url: "\(simulatorURL)/script", body: .string(script.description)).get()
        try #require(response.status == .noContent)
    }
}

/// A service that takes requests.
struct RunningService: Sendable {
    let process: ServiceProcess
    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }
}

/// An account and its key.
struct Customer: Sendable {
    let account: AccountID
    let key: String
    let keyID: KeyID
}

/// Returns once something holds; fails the test after a time.
func eventually(
    within seconds: Int = 60,
    _ what: Comment,
    location: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        try #require(ContinuousClock.now < end, what, sourceLocation: location)
        try await Task.sleep(for: .milliseconds(20))
    }
}
