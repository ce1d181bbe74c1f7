import Foundation
import Glibc
import LocalCluster
import TestSupport
import Testing

@Suite("A private cluster")
struct LocalClusterTests {
    @Test("goes from absent to running to stopped, and keeps its data")
    func lifeCycle() async throws {
        try await withCluster { cluster in
            #expect(cluster.status() == .absent)
            try await cluster.initializeIfNeeded()
            #expect(cluster.status() == .stopped)
            try await cluster.start()
            let pid = try #require(cluster.postmasterPID)
            #expect(cluster.status() == .running(pid: pid))
            try await cluster.psql("CREATE TABLE kept (id int8); INSERT INTO kept VALUES (7);")
            try await cluster.start()
            #expect(cluster.postmasterPID == pid)
            try await cluster.stop()
            #expect(cluster.status() == .stopped)
            try await cluster.stop()
            try await cluster.start()
            #expect(try await cluster.psql("SELECT id FROM kept") == "7")
        }
    }

    @Test("has UTF-8, checksums, no port, and loses nothing that was committed")
    func settings() async throws {
        try await withCluster(durable: true, settings: ["work_mem": "5MB"]) { cluster in
            try await cluster.start()
            let encoding = try await cluster.psql("SHOW server_encoding; SHOW data_checksums;")
            #expect(encoding == "UTF8\non")
            let values = try await cluster.psql(
                "SHOW listen_addresses; SHOW fsync; SHOW synchronous_commit; SHOW work_mem;"
            )
            #expect(values == "on\non\n5MB")
        }
    }

    @Test("starts again after its server was killed, and has what was committed")
    func recoversFromKill() async throws {
        try await withCluster(durable: true) { cluster in
            try await cluster.start()
            try await cluster.psql("CREATE TABLE kept (id int8); INSERT INTO kept VALUES (7);")
            let session = Task { try await cluster.psql("SELECT pg_sleep(600)") }
            while try await cluster.psql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'").isEmpty {}
            try await cluster.killPostmaster()
            #expect(cluster.status() == .stopped)
            await #expect(throws: LocalClusterError.self) { try await session.value }
            try await cluster.start()
            #expect(try await cluster.psql("SELECT id FROM kept") == "7")
        }
    }

    @Test("starts although its pid file names a process of another program by now")
    func stalePIDFile() async throws {
        try await withCluster { cluster in
            try await cluster.start()
            let path = "\(cluster.relocatedFolder ?? cluster.folder)/data/postmaster.pid"
            let left = try String(contentsOfFile: path, encoding: .utf8)
            try await cluster.killPostmaster()
            let lines = left.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
            try (["\(getpid())"] + lines).joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            #expect(cluster.status() == .stopped)
            try await cluster.start()
            #expect(cluster.postmasterPID != nil)
        }
    }

    @Test("is made and started once by commands that come at the same time")
    func concurrentStart() async throws {
        try await withCluster { cluster in
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 { group.addTask { try await cluster.start() } }
                try await group.waitForAll()
            }
            #expect(try await cluster.psql("SELECT 1") == "1")
        }
    }

    @Test("has its socket elsewhere when the folder's path is too long for one")
    func longPath() async throws {
        try await withCluster(under: String(repeating: "long", count: 30)) { cluster in
            try await cluster.start()
            #expect(try await cluster.psql("SELECT 1") == "1")
            #expect(cluster.connectionURL(database: "x").utf8.count < 100)
        }
    }

    @Test("says why it does not start, what to do, and what the server's log says")
    func startFailure() async throws {
        try await withCluster(settings: ["shared_buffers": "lots"]) { cluster in
            let error = await #expect(throws: LocalClusterError.self) { try await cluster.start() }
            #expect(error?.code == .startFailed)
            #expect(error?.advice.contains("postgres.log") == true)
            #expect(error?.logTail.contains("shared_buffers") == true)
        }
    }

    @Test("takes no setting that would open a port or break out of the configuration file")
    func settingNames() async throws {
        for (name, value) in [("listen_addresses", "*"), ("x = 1\ny", "1"), ("work_mem", "1MB'\nfsync = 'off")] {
            try await withCluster(settings: [name: value]) { cluster in
                let error = await #expect(throws: LocalClusterError.self) { try await cluster.start() }
                #expect(error?.code == .invalidSetting)
            }
        }
    }

    @Test("lies under /var/tmp when root's folder can't be reached by the server's user, else in the folder")
    func unreachableFolder() async throws {
        try await withTemporaryFolder { parent in
            chmod(parent, 0o700)
            let cluster = LocalCluster(folder: "\(parent)/cluster", durable: false)
            try await cluster.start()
            let home = cluster.relocatedFolder ?? cluster.folder
            #expect(home.hasPrefix(geteuid() == 0 ? "/var/tmp/runledger-" : parent))
            #expect(try await LocalCluster(folder: cluster.folder).psql("SELECT 1") == "1")
            try await cluster.remove()
            #expect(!FileManager.default.fileExists(atPath: home))
        }
    }

    /// A cluster in a folder of its own, removed afterwards.
    private func withCluster(
        under subfolder: String = "cluster",
        durable: Bool = false,
        settings: [String: String] = [:],
        _ body: (LocalCluster) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { parent in
            let cluster = LocalCluster(folder: "\(parent)/\(subfolder)", durable: durable, settings: settings)
            do {
                try await body(cluster)
            } catch {
                try await cluster.remove()
                throw error
            }
            try await cluster.remove()
        }
    }
}
