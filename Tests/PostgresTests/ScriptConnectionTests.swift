import Testing

@testable import Postgres

@Suite("Scripts")
struct ScriptConnectionTests {
    @Test("a script of many statements answers each, and a failing one undoes the whole and points at the place")
    func scripts() async throws {
        let connection = try await PostgresScriptConnection(configuration: try TestCluster.configuration())
        let results = try await connection.execute(
            script: "CREATE TEMP TABLE t (n int); INSERT INTO t VALUES (1), (NULL); SELECT n FROM t ORDER BY n;"
        )
        #expect(results.map(\.commandTag) == ["CREATE TABLE", "INSERT 0 2", "SELECT 2"])
        #expect(results[2].rows == [["1"], [nil]])
        let script = "INSERT INTO t VALUES (3); SELECT 1 / 0; INSERT INTO t VALUES (4)"
        let error = try await postgresError { try await connection.execute(script: script) }
        #expect(error.sqlState == "22012")
        #expect(error.outcome == .rolledBack)
        let syntax = try await postgresError { try await connection.execute(script: "SELECT 1;\nSELEC 2") }
        #expect(syntax.sqlState == "42601")
        #expect(syntax.position == 11)
        let count = try await connection.execute(script: "SELECT count(*) FROM t")
        #expect(count[0].rows == [["2"]])
        await connection.close()
    }

    @Test("what a script committed before it failed makes the outcome unknown")
    func partlyCommitted() async throws {
        let connection = try await PostgresScriptConnection(configuration: try TestCluster.configuration())
        let error = try await postgresError {
            try await connection.execute(script: "BEGIN; CREATE TEMP TABLE t (n int); COMMIT; SELECT 1 / 0")
        }
        #expect(error.outcome == .unknown)
        await connection.close()
        let closed = try await postgresError { try await connection.execute(script: "SELECT 1") }
        #expect(closed.code == .closed)
        #expect(closed.outcome == .notSent)
    }

    @Test("COPY is refused and the connection stays usable", arguments: ["COPY t FROM STDIN", "COPY t TO STDOUT"])
    func copy(statement: String) async throws {
        let connection = try await PostgresScriptConnection(configuration: try TestCluster.configuration())
        try await connection.execute(script: "CREATE TEMP TABLE t (n int); INSERT INTO t VALUES (1), (2)")
        let error = try await postgresError { try await connection.execute(script: statement) }
        #expect(error.code == .protocolViolation)
        let count = try await connection.execute(script: "SELECT count(*) FROM t")
        #expect(count[0].rows == [["2"]])
        await connection.close()
    }

    @Test("a wrong role is an authentication error")
    func authentication() async throws {
        var configuration = try TestCluster.configuration()
        configuration.user = "nobody_of_that_name"
        let wrong = configuration
        let error = try await postgresError { try await PostgresScriptConnection(configuration: wrong) }
        #expect(error.code == .authentication)
    }
}
