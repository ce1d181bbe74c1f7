import LocalCluster
import Postgres
import TestSupport
import Testing

@Suite("The partitions of the events", .database(FencedLedger.template))
struct PartitionTests {
    private func psql(_ sql: String) async throws -> String { try await LocalCluster.psql(sql, url: TestDatabase.url) }

    private func ensure(_ position: Int64, as actor: FencedLedger.Actor = .service) async throws -> String? {
        try await FencedLedger.run("SELECT ledger.ensure_event_partitions(\(position))", as: actor)[0][0]
    }

    @Test("hold 16,777,216 positions each, the first from 1 on")
    func bounds() async throws {
        let bounds = try await psql(
            """
            SELECT inhrelid::regclass || ' ' || pg_get_expr(relpartbound, oid)
            FROM pg_inherits INNER JOIN pg_class ON inhrelid = oid
            WHERE inhparent = 'ledger.events'::regclass ORDER BY 1
            """
        )
        #expect(
            bounds == """
                ledger.events_000000 FOR VALUES FROM ('1') TO ('16777217')
                ledger.events_000001 FOR VALUES FROM ('16777217') TO ('33554433')
                ledger.events_000002 FOR VALUES FROM ('33554433') TO ('50331649')
                ledger.events_000003 FOR VALUES FROM ('50331649') TO ('67108865')
                """
        )
    }

    @Test("are made by the service before they are needed, with all their fences, once")
    func ensured() async throws {
        #expect(try await ensure(67_108_864) == "0")
        #expect(try await ensure(67_108_865) == "1")
        #expect(try await ensure(67_108_865) == "0")
        #expect(try await ensure(6 * 16_777_216 + 1) == "2")
        #expect(try await psql("SELECT * FROM ledger.fence_faults()") == "")
        #expect(
            try await psql("SELECT count(*) FROM ledger.migration_windows WHERE opened_by = 'test_fence_service'")
                == "2"
        )
        #expect(try await FencedLedger.refusal(of: "TRUNCATE ledger.events_000006", as: .superuser) == "LG010")
        #expect(try await FencedLedger.refusal(of: "TRUNCATE ledger.events_000006", as: .owner) == "42501")
    }

    @Test("are not made by the thousand at a wrong position")
    func tooFar() async throws {
        #expect(
            try await FencedLedger.refusal(of: "SELECT ledger.ensure_event_partitions(\(Int64.max))", as: .service)
                == "LG012"
        )
        #expect(try await ensure(0) == "0")
        #expect(try await ensure(-1) == "0")
    }

    @Test("are made once by several that ask at the same time")
    func concurrently() async throws {
        let made = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<6 { group.addTask { try await ensure(6 * 16_777_216) } }
            return try await group.reduce(into: []) { $0.append($1 ?? "") }
        }
        #expect(made.sorted() == ["0", "0", "0", "0", "0", "2"])
    }

    @Test("are made while events are being appended")
    func besideWriters() async throws {
        let configuration = try PostgresConfiguration(url: TestDatabase.url)
        let writer = try await PostgresScriptConnection(configuration: configuration)
        try await writer.execute(script: "BEGIN; INSERT INTO ledger.events SELECT * FROM ledger.events LIMIT 0")
        let script = "SET lock_timeout = '2s'; SELECT ledger.ensure_event_partitions(5 * 16777216)"
        #expect(try await FencedLedger.refusal(of: script, as: .service) == nil)
        try await writer.execute(script: "COMMIT")
        await writer.close()
    }

    @Test("are not made again when they were archived")
    func archived() async throws {
        _ = try await psql(
            "BEGIN; SELECT ledger_guard.open_migration_window('archive'); DROP TABLE ledger.events_000001; COMMIT"
        )
        #expect(try await ensure(5 * 16_777_216) == "1")
        #expect(try await psql("SELECT to_regclass('ledger.events_000001') IS NULL") == "t")
    }

    @Test("carry the indexes that the run path needs and no other")
    func indexes() async throws {
        let indexes = try await psql(
            """
            SELECT substring(indexdef FROM 'CREATE UNIQUE INDEX .* USING btree (.*)$') COLLATE "C"
            FROM pg_indexes WHERE schemaname = 'ledger' AND tablename = 'events_000002' ORDER BY 1
            """
        )
        #expect(indexes == "(journal, \"position\")\n(journal, account_id, sequence)")
    }
}
