import Foundation
import Glibc
import LocalCluster

/// The server that this process's tests share: a private cluster, or the local one that `TEST_DATABASE_URL` names.
///
/// The private cluster is made at first use, forgets everything when the process ends, and is stopped and removed then,
/// however the process ends.
public actor TestCluster {
    /// `TEST_DATABASE_URL` names a server on another machine, where tests have no business.
    public struct NotLocal: Error, CustomStringConvertible {
        /// The host in the URL.
        public let host: String
        /// What is wrong and what to do.
        public var description: String {
            "TEST_DATABASE_URL names the host \(host). Tests make and drop databases: they only use a server on this "
                + "machine. Unset it to use a private cluster."
        }
    }

    /// The process's one cluster.
    public static let shared = TestCluster()

    private var started: Task<String, any Error>?
    private var templates: [String: Task<String, any Error>] = [:]
    private var databaseCount = 0

    /// The URL of a database of the server, which is started if need be.
    ///
    /// - Parameter database: the database's name; it need not exist.
    public func url(database: String = "postgres") async throws -> String {
        try DatabaseURL.replacingDatabase(in: await administrationURL(), with: database)
    }

    /// Makes a database of its own for the body and drops it afterwards, with whatever is still connected to it.
    ///
    /// - Parameters:
    ///   - template: what the database holds at first; prepared once per process, then copied.
    ///   - body: receives the database's URL, as superuser.
    public func withDatabase<Value>(
        template: DatabaseTemplate = .empty,
        _ body: (String) async throws -> sending Value
    ) async throws -> sending Value {
        let name = try await makeDatabase(template)
        let url = try await url(database: name)
        do {
            let value = try await body(url)
            try await drop(name)
            return value
        } catch {
            try? await drop(name)
            throw error
        }
    }

    private func makeDatabase(_ template: DatabaseTemplate) async throws -> String {
        let source = try await prepared(template)
        databaseCount += 1
        let name = "test_\(getpid())_\(databaseCount)"
        try await administer("CREATE DATABASE \(name) TEMPLATE \(source) STRATEGY file_copy")
        return name
    }

    private func drop(_ name: String) async throws {
        try await administer("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
    }

    private func prepared(_ template: DatabaseTemplate) async throws -> String {
        guard let prepare = template.prepare else { return "template0" }
        if let task = templates[template.name] { return try await task.value }
        // Counted here: by the time the task runs, others may have asked for templates of their own.
        let name = "template_\(getpid())_\(templates.count)"
        let task = Task {
            try await administer("CREATE DATABASE \(name) TEMPLATE template0")
            try await prepare(try await url(database: name))
            // No connection may be open to a database while it is copied.
            try await administer("ALTER DATABASE \(name) ALLOW_CONNECTIONS false")
            try await administer(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '\(name)'"
            )
            return name
        }
        templates[template.name] = task
        return try await task.value
    }

    private func administer(_ sql: String) async throws {
        try await LocalCluster.psql(sql, url: try await administrationURL())
    }

    private func administrationURL() async throws -> String {
        if let started { return try await started.value }
        let task = Task {
            if let given = ProcessInfo.processInfo.environment["TEST_DATABASE_URL"], !given.isEmpty {
                if let host = DatabaseURL.remoteHost(in: given) { throw NotLocal(host: host) }
                return given
            }
            let cluster = try await TemporaryCluster.start(durable: false, settings: ["autovacuum": "off"])
            return cluster.connectionURL(database: "postgres")
        }
        started = task
        return try await task.value
    }
}
