import LocalCluster
import SQLFiles
import TestSupport
import Testing

/// A superuser can lower the fences and leave no gap in them afterwards; the hashes tell.
@Suite("The verification by psql alone", .database(FencedLedger.template))
struct VerifyChainTests {
    /// Runs the report as an auditor would; the text is what psql printed.
    private func report() async throws -> (isClean: Bool, text: String) {
        let files = try SQLFiles.bundled()
        let script = try #require(files[.reports].first { $0.name == "verify_chain.sql" }).text
        let url = TestDatabase.url.replacing("//postgres@", with: "//\(FencedLedger.Actor.auditor.login)@")
        do {
            return (true, try await LocalCluster.psql(script, url: url))
        } catch {
            #expect(error.message.contains("exited(code: 3)"), "\(error)")
            return (false, error.logTail)
        }
    }

    @Test("passes a ledger that nobody touched, and prints its heads")
    func clean() async throws {
        let report = try await report()
        #expect(report.isClean)
        #expect(report.text.contains("every event has the hash of its columns\t12\tok"))
        #expect(report.text.contains("All 7 checks passed."))
        let head = try await LocalCluster.psql(
            "SELECT encode(head_hash, 'hex') FROM ledger.journals WHERE journal = 1",
            url: TestDatabase.url
        )
        #expect(report.text.contains("1\t10\t\(head)"))
    }

    /// What a superuser does, and the line of the report that gives it away.
    private static let damages: [(String, String)] = [
        (
            "UPDATE ledger.events SET amount = 4000000 WHERE journal = 1 AND position = 3",
            "journal 1, position 3, credits.added: the stored hash is not that of the columns"
        ),
        (
            "UPDATE ledger.events SET version = 2 WHERE journal = 1 AND position = 3",
            "journal 1, position 3, credits.added: the stored hash is not that of the columns"
        ),
        (
            "UPDATE ledger.events SET model = 'x' WHERE journal = 1 AND position = 3; "
                + "UPDATE ledger.events SET hash = ledger.event_hash(events) WHERE journal = 1 AND position = 3",
            "sequence 3 (journal 1, position 5): previous_hash is not the hash of the event before"
        ),
        (
            "UPDATE ledger.events SET model = 'x' WHERE journal = 1 AND position = 10; "
                + "UPDATE ledger.events SET hash = ledger.event_hash(events) WHERE journal = 1 AND position = 10",
            "journal 1: the head hash is not the running hash of its events"
        ),
        (
            "UPDATE ledger.events SET balance_after = 9000000 WHERE journal = 1 AND position = 9; "
                + "UPDATE ledger.events SET hash = ledger.event_hash(events) WHERE journal = 1 AND position = 9",
            "sequence 5 (journal 1, position 9): balance 9000000 and held 0, sums 3500000 and 0"
        ),
        (
            "UPDATE ledger.events SET held_after = NULL WHERE journal = 1 AND position = 9",
            "sequence 5 (journal 1, position 9): balance 3500000 and held absent, sums 3500000 and 0"
        ),
        (
            "DELETE FROM ledger.events WHERE journal = 1 AND position = 4",
            "journal 1, position 5: the position before it is 3"
        ),
        (
            "DELETE FROM ledger.events WHERE journal = 1 AND position = 10",
            "journal 1: the head is at position 10 and the last event at 9"
        ),
        ("DELETE FROM ledger.events WHERE journal = 3", "journal 3: the head is at position 2 and the last event at 0"),
        (
            "UPDATE ledger.events SET recorded_at = 'epoch' WHERE journal = 1 AND position = 9",
            "it was not recorded after the event before"
        ),
        (
            "UPDATE ledger.events SET sequence = 7 WHERE journal = 1 AND position = 9",
            "sequence 7 (journal 1, position 9): the sequence before it is 4"
        ),
        (
            "UPDATE ledger.journals SET position = 11 WHERE journal = 1",
            "the head is at position 11 and the last event at 10"
        ),
        ("UPDATE ledger.journals SET head_hash = sha256('') WHERE journal = 2", "journal 2: the head hash is not"),
        ("DELETE FROM ledger.journals WHERE journal = 3", "journal 3: the head is at position none"),
        ("DELETE FROM ledger.accounts WHERE journal = 3", "in journal 3: its row says sequence none, its last event 2"),
        (
            "DROP TRIGGER refuse_truncate ON ledger.events_000002",
            "ledger.events_000002 no trigger that is ENABLE ALWAYS"
        ),
        (
            "CREATE RULE aa AS ON INSERT TO ledger.events DO INSTEAD NOTHING",
            "ledger.events has the rule aa"
        ),
    ]

    @Test("finds the first thing that a superuser changed with the fences down", arguments: damages.indices)
    func damaged(index: Int) async throws {
        let (damage, line) = Self.damages[index]
        try await LocalCluster.psql(
            """
            BEGIN;
            SELECT ledger_guard.open_migration_window('mischief');
            ALTER TABLE ledger.events DISABLE TRIGGER refuse_change;
            \(damage);
            ALTER TABLE ledger.events ENABLE ALWAYS TRIGGER refuse_change;
            COMMIT;
            """,
            url: TestDatabase.url
        )
        let report = try await report()
        #expect(!report.isClean)
        #expect(report.text.contains(line), "\(damage)\n\(report.text)")
        #expect(report.text.contains("the ledger is not what it was"))
    }

    @Test("shows an account's history with its running balance")
    func history() async throws {
        let history = try await LocalCluster.psql(
            """
            SELECT sequence, type, change, held_change, balance_after, held_after, running_balance
            FROM ledger.account_history('\(SampleLedger.account)')
            """,
            url: TestDatabase.url
        )
        #expect(
            history == """
                2\tcredits.added\t5000000\t0\t5000000\t0\t5000000
                3\tcredits.held\t0\t2000000\t5000000\t2000000\t5000000
                4\tcredits.debited\t-1500000\t-1500000\t3500000\t500000\t3500000
                5\tcredits.released\t0\t-500000\t3500000\t0\t3500000
                """
        )
    }

    @Test("balances leave out what has expired, and open holds show what is overdue")
    func views() async throws {
        let account = SampleLedger.account
        try await LocalCluster.psql(
            """
            INSERT INTO ledger.pots VALUES
                (1, '\(account)', gen_random_uuid(), 'plan', 3000000, 1250000, 0, now() + interval '1 day', now()),
                (1, '\(account)', gen_random_uuid(), 'top_up', 3000000, 2250000, 0, now() - interval '1 day', now());
            INSERT INTO ledger.holds VALUES
                (1, '\(account)', gen_random_uuid(), 7, NULL, '[]', now() - interval '1 s', 'charge', NULL,
                gen_random_uuid(), 'painter', 7, '1', 0, now(), now(), 'admitted', NULL);
            """,
            url: TestDatabase.url
        )
        let balance = try await LocalCluster.psql(
            "SELECT available, expired, available_credits FROM ledger.balances WHERE account_id = '\(account)'",
            url: TestDatabase.url
        )
        #expect(balance == "1250000\t2250000\t1.250000")
        let holds = try await LocalCluster.psql(
            "SELECT amount, is_overdue FROM ledger.open_holds",
            url: TestDatabase.url
        )
        #expect(holds == "7\tt")
    }
}
