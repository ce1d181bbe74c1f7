import HistoryTestSupport
import Ledger
import Testing

/// Laws that hold after every step of any history.
@Suite struct InvariantTests {
    @Test("no history breaks a law of the ledger", arguments: UInt64(1)...16)
    func laws(seed: UInt64) throws {
        let counts = try run(seed % 4 == 0 ? .flood : .everything, seed: seed, steps: seed % 4 == 0 ? 1_600 : 700)
        #expect(counts["admitted", default: 0] > 5, "seed \(seed) hardly ran anything")
    }

    @Test("the histories are not vacuous: every event type and most refusals occur in them")
    func notVacuous() throws {
        var counts: [String: Int] = [:]
        for seed in UInt64(101)...116 {
            let theme: RandomHistory.Theme = seed % 8 == 0 ? .flood : .everything
            counts.merge(try run(theme, seed: seed, steps: theme == .flood ? 1_600 : 500)) { $0 + $1 }
        }
        // Months are closed, invoices imported and accounts erased in no random history: tests of their own do it.
        let house: Set<EventType> = [
            .periodClosed, .invoiceImported, .invoiceCompared, .suspenseResolved, .accountErased,
        ]
        for type in EventType.allCases where !house.contains(type) {
            #expect(counts[type.rawValue, default: 0] > 0, "no \(type.rawValue)")
        }
        for code in [
            "UNAUTHORIZED", "ACCOUNT_NOT_APPROVED", "INVALID_SLUG", "CAPABILITY_DENIED", "RATE_LIMIT_EXCEEDED",
            "INVALID_BODY", "INVALID_INPUTS", "MODEL_NOT_FOUND", "MODEL_TIER_REQUIRED", "ASYNC_NOT_SUPPORTED",
            "grant_exhausted", "INSUFFICIENT_CREDITS", "ACCOUNT_EXISTS", "POT_EXISTS", "ADJUSTMENT_TOO_LARGE",
            "EXECUTION_NOT_CANCELLABLE", "EXECUTION_NOT_FOUND", "HOLD_NOT_EXPIRED", "INVALID_AMOUNT",
        ] {
            #expect(counts["refused \(code)", default: 0] > 0, "no \(code)")
        }
        for what in ["admitted", "settled", "repeat", "done", "credits.debited", "grant.consumed"] {
            #expect(counts[what, default: 0] > 150, "only \(counts[what, default: 0]) \(what)")
        }
    }

    private func run(_ theme: RandomHistory.Theme, seed: UInt64, steps: Int) throws -> [String: Int] {
        var history = RandomHistory(theme: theme, seed: seed)
        var checker = InvariantChecker()
        for step in 1...steps {
            let command = history.next()
            let broken = try checker.step(command, at: history.now)
            try #require(broken == [], "seed \(seed), step \(step): \(command.action)")
        }
        #expect(try checker.atTheEnd() == [], "seed \(seed)")
        return checker.counts
    }
}
