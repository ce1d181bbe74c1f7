import Ledger
import LocalCluster
import Migrations
import Postgres
import SQLFiles
import TestSupport

/// A migrated database with a small ledger in it, and logins for every role.
enum FencedLedger {
    /// Who tries something.
    enum Actor: String, CaseIterable {
        case service
        case finance
        case auditor
        case migrator
        case owner
        case superuser

        var login: String { self == .superuser ? "postgres" : "test_fence_\(rawValue)" }
        var role: String { self == .superuser ? "postgres" : "runledger_\(rawValue)" }
    }

    static let template = DatabaseTemplate(name: "fenced ledger") { url in
        let report = try await Migrator(files: .bundled(), configuration: PostgresConfiguration(url: url)).migrate()
        precondition(report.fenceFaults.isEmpty, "\(report.fenceFaults)")
        var script = ""
        for actor in Actor.allCases where actor != .superuser {
            script += """
                DO $$ BEGIN CREATE ROLE \(actor.login) LOGIN;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                DO $$ BEGIN GRANT \(actor.role) TO \(actor.login);
                EXCEPTION WHEN unique_violation THEN NULL; END $$;

                """
        }
        try await LocalCluster.psql(script + SampleLedger.make().sql, url: url)
    }

    /// Runs SQL in a session of its own, as a service's session is set up: with the role in its start-up options.
    static func run(_ sql: String, as actor: Actor) async throws -> [[String?]] {
        var configuration = try PostgresConfiguration(url: TestDatabase.url)
        configuration.user = actor.login
        configuration.role = actor.role
        let connection = try await PostgresScriptConnection(configuration: configuration)
        do {
            let rows = try await connection.execute(script: sql).last?.rows ?? []
            await connection.close()
            return rows
        } catch {
            await connection.close()
            throw error
        }
    }

    /// The SQLSTATE that the server refuses some SQL with; nil when it does not.
    static func refusal(of sql: String, as actor: Actor) async throws -> String? {
        do {
            _ = try await run(sql, as: actor)
            return nil
        } catch let error as PostgresError {
            return error.sqlState ?? "\(error)"
        }
    }

    /// A digest of everything that must stay as it is: rows of the ledger, and the objects around them.
    static func fingerprint() async throws -> String {
        try await LocalCluster.psql(
            """
            SELECT
                (SELECT md5(string_agg(events::text, ';' ORDER BY journal, position)) FROM ledger.events),
                (SELECT md5(string_agg(journals::text, ';' ORDER BY journal)) FROM ledger.journals),
                (SELECT count(*) FROM ledger_guard.migration_windows),
                (SELECT count(*) FROM pg_inherits WHERE inhparent = 'ledger.events'::regclass),
                (SELECT string_agg(object || fault, ';') FROM ledger.fence_faults())
            """,
            url: TestDatabase.url
        )
    }
}
