import LocalCluster
import Postgres
import TestSupport
import Testing

/// Each attempt is made in each role, in a session of its own; afterwards every row and every fence must be as before.
@Suite("The fences around the events", .database(FencedLedger.template))
struct FenceTests {
    @Test("stop every way to change or remove an event", arguments: Attempt.onRows)
    func rows(attempt: Attempt) async throws { try await expectRefusal(attempt) }

    @Test("stop every way to take them down outside of a migration window", arguments: Attempt.onObjects)
    func objects(attempt: Attempt) async throws { try await expectRefusal(attempt) }

    private func expectRefusal(_ attempt: Attempt) async throws {
        let before = try await FencedLedger.fingerprint()
        for actor in FencedLedger.Actor.allCases {
            guard let expected = attempt.expected(actor) else { continue }
            let refusal = try await FencedLedger.refusal(of: attempt.sql, as: actor)
            #expect(refusal == expected, "\(actor.rawValue): \(attempt.sql)")
        }
        #expect(try await FencedLedger.fingerprint() == before)
    }

    @Test(
        "keep each role to its task",
        arguments: [
            ("finance", "INSERT INTO ledger.events SELECT * FROM ledger.events"),
            ("auditor", "INSERT INTO ledger.events SELECT * FROM ledger.events"),
            ("finance", "UPDATE ledger.journals SET position = 0"),
            ("auditor", "UPDATE ledger.journals SET position = 0"),
            ("finance", "UPDATE ledger.accounts SET posted = 0"),
            ("auditor", "DELETE FROM ledger.accounts"),
            ("finance", "SELECT secret_digest FROM ledger.api_keys"),
            ("finance", "SELECT customer FROM ledger.payment_charges"),
            ("auditor", "SELECT account_id FROM ledger.payment_methods"),
            ("auditor", "SELECT method FROM ledger.payment_charges"),
            ("finance", "SELECT ledger.ensure_event_partitions(1)"),
            ("auditor", "SELECT ledger.ensure_event_partitions(1)"),
            ("service", "UPDATE ledger.journals SET journal = 9 WHERE journal = 1"),
            ("service", "INSERT INTO ledger.journals (journal) VALUES (9)"),
            ("service", "DELETE FROM ledger.journals"),
            ("service", "TRUNCATE ledger.accounts"),
            ("service", "INSERT INTO ledger.events_000000 SELECT * FROM ledger.events"),
            ("service", "INSERT INTO ledger.migrations VALUES ('x', repeat('0', 64), now(), 'x', 1)"),
            ("service", "SELECT ledger_guard.open_migration_window('none')"),
            ("auditor", "SELECT ledger_guard.open_migration_window('none')"),
            ("service", "CREATE TABLE ledger.mine (n int)"),
            ("auditor", "SET ROLE runledger_owner"),
            ("service", "SET ROLE runledger_owner"),
        ]
    )
    func keptToTask(role: String, sql: String) async throws {
        let actor = try #require(FencedLedger.Actor(rawValue: role))
        #expect(try await FencedLedger.refusal(of: sql, as: actor) == "42501")
    }

    @Test(
        "let each role do its task",
        arguments: [
            ("service", "SELECT position FROM ledger.journals WHERE journal = 1 FOR UPDATE"),
            ("service", "UPDATE ledger.journals SET position = 11, head_hash = sha256('') WHERE journal = 1"),
            ("service", "SELECT count(*) FROM ledger.events"),
            ("service", "UPDATE ledger.accounts SET posted = posted"),
            ("service", "DELETE FROM ledger.holds"),
            ("service", "SELECT name FROM ledger.migrations"),
            ("service", "SELECT ledger.ensure_event_partitions(100000000)"),
            ("finance", "SELECT available_credits FROM ledger.balances"),
            ("finance", "SELECT hold_id FROM ledger.open_holds"),
            ("finance", "SELECT running_balance FROM ledger.account_history('\(SampleLedger.account)')"),
            ("auditor", "SELECT ledger.event_hash(events) FROM ledger.events"),
            ("auditor", "SELECT secret_digest FROM ledger.api_keys"),
            ("auditor", "SELECT units FROM ledger.payment_charges"),
            ("auditor", "SELECT reason FROM ledger.migration_windows"),
            ("auditor", "SELECT fault FROM ledger.fence_faults()"),
            ("auditor", "SELECT fault FROM ledger.verify_chain()"),
            ("auditor", "CREATE TEMP TABLE notes (n int); DROP TABLE notes"),
            (
                "superuser",
                "CREATE TABLE public.other (n int); ALTER TABLE public.other ADD m int; DROP TABLE public.other"
            ),
        ]
    )
    func task(role: String, sql: String) async throws {
        let actor = try #require(FencedLedger.Actor(rawValue: role))
        #expect(try await FencedLedger.refusal(of: sql, as: actor) == nil)
    }

    @Test("let the service append an event, which then stays")
    func append() async throws {
        let insert = """
            INSERT INTO ledger.events
            SELECT version, journal, 11, account_id, 6, type, recorded_at + interval '1 hour', effective_at, command_id,
                request_id, execution_id, key_id, model, grant_id, hold_id, pot_id, amount, balance_after, held_after,
                price_version, detail, hash, hash
            FROM ledger.events WHERE journal = 1 AND position = 9
            """
        #expect(try await FencedLedger.refusal(of: insert, as: .service) == nil)
        #expect(try await FencedLedger.refusal(of: insert, as: .service) == "23505")
        let sameSequence = insert.replacing("journal, 11,", with: "journal, 12,")
        #expect(try await FencedLedger.refusal(of: sameSequence, as: .service) == "23505", "the tripwire index")
        #expect(try await FencedLedger.refusal(of: "DELETE FROM ledger.events", as: .service) == "42501")
    }

    @Test(
        "open for a recorded window only, which ends with its transaction",
        arguments: [FencedLedger.Actor.owner, .migrator]
    )
    func window(actor: FencedLedger.Actor) async throws {
        let script = """
            BEGIN;
            SELECT ledger_guard.open_migration_window('archive partition 3');
            DROP TABLE ledger.events_000003;
            COMMIT;
            """
        _ = try await FencedLedger.run(script, as: actor)
        let windows = try await FencedLedger.run(
            "SELECT opened_by, scope FROM ledger.migration_windows WHERE reason = 'archive partition 3'",
            as: .auditor
        )
        #expect(windows == [[actor.login, "transaction"]])
        let later = script.replacing("BEGIN;", with: "").replacing("DROP", with: "COMMIT; DROP").replacing(
            "_000003",
            with: "_000002"
        )
        #expect(try await FencedLedger.refusal(of: later, as: actor) == "LG011")
    }

    @Test("do not let even a window change an event, or hide itself")
    func windowIsNoKey() async throws {
        let open = "SELECT ledger_guard.open_migration_window('x');"
        let before = try await FencedLedger.fingerprint()
        #expect(
            try await FencedLedger.refusal(of: "\(open) UPDATE ledger.events SET amount = 1", as: .superuser) == "LG010"
        )
        for actor in [FencedLedger.Actor.owner, .migrator] {
            for sql in ["DELETE FROM ledger_guard.migration_windows", "DROP TABLE ledger_guard.migration_windows"] {
                #expect(try await FencedLedger.refusal(of: "\(open) \(sql)", as: actor) == "42501")
            }
        }
        #expect(try await FencedLedger.fingerprint() == before)
    }
}
