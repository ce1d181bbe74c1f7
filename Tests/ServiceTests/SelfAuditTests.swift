import AsyncHTTPClient
import Foundation
import Ledger
import Registry
import TestSupport
import Testing

/// Goal: what a superuser changes in an event that was checked before is found by the service itself, named in its log, and
/// shown to whoever watches; and once it is mended, so is the metric.
@Suite("the service's own audit", .serialized, .timeLimit(.minutes(5)))
struct SelfAuditTests {
    @Test("a byte that a superuser changes is found, named and shown, and no longer once it is put back")
    func tampered() async throws {
        try await Stack.with { stack in
            let customer = try await stack.openAccount(credits: 100)
            let settings = ["RUNLEDGER_METRICS_PORT": "0", "RUNLEDGER_AUDIT_PASS_SECONDS": "1"]
            let service = try await stack.startService(environment: settings)
            let url = try await MetricsTests.metricsURL(of: service)
            for _ in 0..<3 { #expect(await stack.send(Call(customer: customer), to: service.url).summary == "200") }
            let heads = try await stack.rows("SELECT journal, position FROM ledger.journals WHERE position > 0")
            let journal = try #require(heads.first?.first)
            let head = try #require(heads.first?.last.flatMap { Double($0) })
            let labels = ["journal": journal]
            let amounts = "SELECT min(position) FROM ledger.events WHERE amount IS NOT NULL AND journal = \(journal)"
            let position = try #require(try await stack.rows(amounts).first?.first.flatMap { Int($0) })
            try await eventually("every event is checked") {
                let metrics = try await stack.scrape(url)
                return metrics["runledger_verified_through_position", labels] == head
                    && metrics["runledger_verification_damaged", labels] == 0
                    && (metrics["runledger_verification_pass_timestamp_seconds", labels] ?? 0) > 1_700_000_000
            }

            try await Self.change("amount = amount + 1", journal, position, stack)
            try await eventually("the damage is shown") {
                let metrics = try await stack.scrape(url)
                return metrics["runledger_verification_damaged", labels] == 1
                    && metrics["runledger_verified_through_position", labels] == Double(position - 1)
            }
            let line = try await service.process.waitForLine(containing: "the ledger is damaged")
            #expect(line.contains("journal \(journal), position \(position), account \(customer.account)"), "\(line)")
            #expect(line.contains("the hash does not match the columns"))

            try await Self.change("amount = amount - 1", journal, position, stack)
            try await eventually("a whole pass finds nothing") {
                let metrics = try await stack.scrape(url)
                return metrics["runledger_verification_damaged", labels] == 0
                    && metrics["runledger_verified_through_position", labels] == head
            }
            // The events are as they were; the account's row is not their sum.
            try await stack.change("UPDATE ledger.accounts SET posted = posted + 1 WHERE journal = \(journal)")
            try await service.process.waitForLine(containing: "is not the fold of its events")
            #expect(await service.process.stop() == .exited(code: 0))
        }
    }

    private static func change(_ change: String, _ journal: String, _ position: Int, _ stack: Stack) async throws {
        try await stack.change(
            "UPDATE ledger.events SET \(change) WHERE journal = \(journal) AND position = \(position)"
        )
    }
}

extension Stack {
    /// Changes rows behind the ledger's back, as a superuser who has turned the fences off.
    func change(_ sql: String) async throws {
        _ = try await rows(
            """
            BEGIN;
            SELECT ledger_guard.open_migration_window('a test tampers');
            ALTER TABLE ledger.events DISABLE TRIGGER USER;
            \(sql);
            COMMIT
            """
        )
    }
}
