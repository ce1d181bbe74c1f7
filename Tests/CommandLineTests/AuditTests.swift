import LocalCluster
import Registry
import TestSupport
import Testing

@Suite("Verifying, replaying and rebuilding", .database(.ledger))
struct AuditTests {
    /// An account with four events: opened, two pots, a grant.
    private func account() async throws -> String {
        let opened = try await Program.here("account", "open", "--json").expect(0)
        let account = try #require(try opened.json["account"]?.stringValue)
        try await Program.here("credits", "add", account, "10").expect(0)
        try await Program.here("credits", "add", account, "5", "--kind", "plan").expect(0)
        try await Program.here("grant", "issue", account, "nano-banana-2", "--runs", "1").expect(0)
        return account
    }

    private func tamper(_ sql: String) async throws {
        try await LocalCluster.psql(
            """
            BEGIN;
            SELECT ledger_guard.open_migration_window('a test of the verification');
            ALTER TABLE ledger.events DISABLE TRIGGER USER;
            \(sql);
            ALTER TABLE ledger.events ENABLE ALWAYS TRIGGER refuse_change;
            COMMIT
            """,
            url: TestDatabase.url
        )
    }

    @Test("a changed event is named with its journal, position and account, and the exit code is 1")
    func namesChangedEvent() async throws {
        let account = try await account()
        try await Program.here("verify", "--json").expect(0)
        try await tamper("UPDATE ledger.events SET amount = amount + 1000000 WHERE sequence = 2")
        let verdict = try await Program.here("verify", "--json").expect(1).json
        #expect(verdict["clean"] == false)
        let finding = try #require(verdict["findings"]?.arrayValue?.first)
        #expect(finding["kind"] == "hash")
        #expect(finding["position"] == 2)
        #expect(finding["account"]?.stringValue == account)
        try await Program.here("verify").expect(1, "damaged", "position 2", account, "hash does not match")
        try await Program.here("rebuild").expect(1, "damaged", "position 2")
    }

    @Test("an event that was taken away is named by the position that is missing")
    func namesMissingEvent() async throws {
        _ = try await account()
        try await tamper("DELETE FROM ledger.events WHERE sequence = 3")
        try await Program.here("verify").expect(1, "expected position 3, found 4")
    }

    @Test("a changed projection is named, and rebuild puts it right")
    func rebuilds() async throws {
        let account = try await account()
        try await LocalCluster.psql("UPDATE ledger.accounts SET posted = posted + 1", url: TestDatabase.url)
        try await Program.here("verify").expect(1, "row in accounts", "posted 15.000001")
        let rebuilt = try await Program.here("rebuild", "--json").expect(0).json
        let events = rebuilt["journals"]?.arrayValue?.compactMap { $0["events"]?.integerValue }.reduce(0, +)
        #expect(events == 4)
        try await Program.here("verify").expect(0, "clean", "4 events", "balance 15")
        try await Program.here("account", "show", account).expect(0, "15 credits")
        try await Program.here("rebuild", "--journal", "4").expect(64, "0 to 3")
    }

    @Test("replay stops at a sequence or a moment, with the balance of then")
    func replays() async throws {
        let account = try await account()
        let all = try await Program.here("replay", "--account", account, "--json").expect(0).json
        let events = try #require(all["events"]?.arrayValue)
        #expect(
            events.compactMap { $0["type"]?.stringValue }
                == ["account.opened", "credits.added", "credits.added", "grant.issued"]
        )
        #expect(events.compactMap { $0["balance"]?.scalarText } == ["0", "10", "15", "15"])
        #expect(all["account"]?["balance"]?.scalarText == "15")

        let moment = try #require(events[1]["recordedAt"]?.stringValue)
        let then = try await Program.here("replay", "--account", account, "--as-of", moment, "--json").expect(0).json
        #expect(then["events"]?.arrayValue?.count == 2)
        #expect(then["account"]?["balance"]?.scalarText == "10")
        let third = try await Program.here("replay", "--account", account, "--sequence", "3", "--json").expect(0).json
        #expect(third["account"]?["balance"]?.scalarText == "15")
        let early = try await Program.here("replay", "--account", account, "--as-of", "2001-01-01", "--json").expect(0)
        #expect(try early.json["events"] == [])
        try await Program.here("replay", "--account", account).expect(0, "credits.added", "+10", "Balance 15")
        try await Program.here("replay", "--account", "019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50").expect(1, "no account")
    }
}
