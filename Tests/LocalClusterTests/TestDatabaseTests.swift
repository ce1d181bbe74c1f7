import LocalCluster
import Synchronization
import TestSupport
import Testing

@Suite("A test's database", .database(.withOneTable))
struct TestDatabaseTests {
    @Test("holds what the template holds and nothing that another test wrote", arguments: 1...4)
    func isFresh(number: Int) async throws {
        let written = "INSERT INTO prepared VALUES (\(number)); SELECT count(*), min(id) FROM prepared;"
        #expect(try await LocalCluster.psql(written, url: TestDatabase.url) == "1\t\(number)")
        #expect(preparations.withLock { $0 } == 1)
    }

    @Test("is dropped afterwards, also when something is still connected to it")
    func isDropped() async throws {
        let (name, session) = try await TestCluster.shared.withDatabase { url in
            let session = Task { try await LocalCluster.psql("SELECT pg_sleep(600)", url: url) }
            let sleeping = """
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'
                """
            while try await LocalCluster.psql(sleeping, url: url).isEmpty {}
            return (try await LocalCluster.psql("SELECT current_database()", url: url), session)
        }
        await #expect(throws: LocalClusterError.self) { try await session.value }
        let left = "SELECT count(*) FROM pg_database WHERE datname = '\(name)'"
        #expect(try await LocalCluster.psql(left, url: TestDatabase.url) == "0")
    }

    @Test("is on this machine: hosts elsewhere are refused")
    func remoteHosts() {
        let local = [
            "postgresql:///x", "postgresql://postgres@%2Ftmp%2Fa:5432/x", "postgresql://[::1]:5432/x",
            "postgresql://u:p@localhost:5432/x?sslmode=disable", "postgresql:///x?host=/var/run/postgresql",
        ]
        for url in local { #expect(DatabaseURL.remoteHost(in: url) == nil, "\(url)") }
        #expect(DatabaseURL.remoteHost(in: "postgresql://u:p@db.example.com:5432/x") == "db.example.com")
        #expect(DatabaseURL.remoteHost(in: "postgresql://localhost,db.example.com/x") == "db.example.com")
        #expect(DatabaseURL.remoteHost(in: "postgresql:///x?host=db.example.com") == "db.example.com")
        #expect(DatabaseURL.remoteHost(in: "postgresql://localhost/x?hostaddr=10.0.0.1") == "10.0.0.1")
        let other = DatabaseURL.replacingDatabase(in: "postgresql://u@localhost:5432/x?sslmode=disable", with: "y")
        #expect(other == "postgresql://u@localhost:5432/y?sslmode=disable")
    }
}

private let preparations = Mutex(0)

extension DatabaseTemplate {
    fileprivate static let withOneTable = DatabaseTemplate(name: "one table") { url in
        preparations.withLock { $0 += 1 }
        try await LocalCluster.psql("CREATE TABLE prepared (id int8);", url: url)
    }
}
