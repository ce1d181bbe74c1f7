import LocalCluster
import Registry
import TestSupport
import Testing

@Suite("Making and migrating a ledger", .database)
struct SetupTests {
    @Test("init makes a ledger; again it changes nothing, and the number of journals can't change")
    func initializes() async throws {
        let first = try await Program.here("init", "--journals", "8", "--name", "first", "--json").expect(0)
        #expect(try first.json["createdLedger"] == true)
        #expect(try first.json["journals"] == 8)
        let second = try await Program.here("init", "--name", "second", "--json").expect(0)
        #expect(try second.json["createdLedger"] == false)
        #expect(try second.json["ledger"] == "first")
        #expect(try second.json["journals"] == 8)
        #expect(try second.json["applied"] == [])
        try await Program.here("init", "--journals", "16").expect(1, "has 8 journals")
        try await Program.here("verify").expect(0, "clean", "8 journals")
    }

    @Test("init creates a database that is missing")
    func createsDatabase() async throws {
        let name = "made_by_init"
        let url = DatabaseURL.replacingDatabase(in: TestDatabase.url, with: name)
        let program = Program(url: url)
        do {
            try await program("verify").expect(69, "no ledger", "runledger init")
            let made = try await program("init", "--json").expect(0)
            #expect(try made.json["createdDatabase"] == true)
            #expect(try made.json["journals"] == 16)
            try await program("verify").expect(0, "clean")
        }
        try await LocalCluster.psql("DROP DATABASE \(name) WITH (FORCE)", url: TestDatabase.url)
    }

    @Test("a dry run says what is pending with exit code 1, and changes nothing")
    func plans() async throws {
        for _ in 1...2 {
            try await Program.here("migrate", "--dry-run").expect(1, "pending", "migrations/0001_")
        }
        let before = try await LocalCluster.psql(
            "SELECT count(*) FROM pg_namespace WHERE nspname = 'ledger'",
            url: TestDatabase.url
        )
        #expect(before == "0")
        try await Program.here("migrate").expect(0, "applied", "migrations/0001_")
        try await Program.here("migrate").expect(0, "Nothing was pending.")
        for _ in 1...2 {
            let plan = try await Program.here("migrate", "--dry-run", "--json").expect(0)
            #expect(try plan.json["pending"] == [])
        }
    }

    @Test("without a ledger every command says how to make one")
    func needsLedger() async throws {
        let id = "019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50"
        let commands = [
            ["verify"], ["serve", "--port", "0", "--simulator", "http://127.0.0.1:1"], ["account", "show", id],
            ["replay", "--account", id], ["rebuild"],
        ]
        for command in commands { try await Program.here.run(command).expect(69, "no ledger", "runledger init") }
        // Migrated, and still without a ledger.
        try await Program.here("migrate").expect(0)
        for command in commands { try await Program.here.run(command).expect(69, "no ledger", "runledger init") }
    }

    @Test("serve refuses to start while a migration is pending, and when the database is newer")
    func refusesOtherVersions() async throws {
        try await Program.here("init", "--journals", "2").expect(0)
        let later = "'9999_later.sql'"
        try await LocalCluster.psql(
            """
            INSERT INTO ledger.migrations
            SELECT (jsonb_populate_record(migrations, jsonb_build_object('name', \(later)))).*
            FROM ledger.migrations ORDER BY name LIMIT 1
            """,
            url: TestDatabase.url
        )
        try await Program.here("serve", "--port", "0").expect(69, "9999_later.sql", "version of runledger")
        try await LocalCluster.psql("DELETE FROM ledger.migrations WHERE name = \(later)", url: TestDatabase.url)
        let last = "(SELECT max(name) FROM ledger.migrations)"
        try await LocalCluster.psql("DELETE FROM ledger.migrations WHERE name = \(last)", url: TestDatabase.url)
        try await Program.here("serve", "--port", "0").expect(69, "pending", "runledger migrate")
        try await Program.here("verify").expect(69, "pending", "runledger migrate")
    }

    @Test("serve names what the definitions lack")
    func namesMissingVariables() async throws {
        try await Program.here("init", "--journals", "2").expect(0)
        try await Program.here("serve", "--port", "0").expect(
            69,
            "providers/kie-jobs.yaml:7",
            "KIE_API_KEY",
            "--simulator"
        )
        try await Program.here("serve", "--port", "0", "--models", "nowhere").expect(69, "nowhere")
    }

    @Test("a server that is not there is named, without the password")
    func namesServer() async throws {
        let program = Program(url: "postgresql://someone:hunter2@127.0.0.1:1/ledger")
        let result = try await program("verify").expect(69, "can't be reached", "RUNLEDGER_DATABASE_URL", "127.0.0.1")
        #expect(!(result.output + result.errors).contains("hunter2"))
    }
}
