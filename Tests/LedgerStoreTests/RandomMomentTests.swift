import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

/// Goal: what SQL says of any moment, and why, is what a replay from the first event on says, however long the history is.
/// Method: random accounts and moments, in histories of every kind of event and in a long one.
@Suite("Random moments of the past", .gated, .database(LedgerDatabase.template(journals: 2)))
struct RandomMomentTests {
    private func withHistory(_ body: (LedgerStore, [Tenant]) async throws -> Void) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            let history = try await History.make(in: store, clock: clock, tenantCount: 4)
            try await body(store, history.tenants)
        }
    }

    /// What each account had after each of its events, as a replay from the first one on says.
    private func replays(_ store: LedgerStore, _ tenants: [Tenant]) async throws -> Replays {
        var accounts: [(AccountID, [Replays.Point])] = []
        for tenant in tenants {
            var points: [Replays.Point] = []
            _ = try await store.replay(tenant.account) { event, state in
                let account = state.account
                points.append(
                    Replays.Point(
                        at: event.content.recordedAt.microseconds,
                        posted: account?.posted.microcredits ?? 0,
                        held: account?.held.microcredits ?? 0
                    )
                )
            }
            #expect(points.count > 40)
            accounts.append((tenant.account, points))
        }
        return Replays(accounts: accounts)
    }

    /// Moments around every event, as SQL: a thousand random ones in each of ten rounds, in one query a round.
    @Test("10,000 random accounts and moments have the balance of a naive replay")
    func randomMoments() async throws {
        try await withHistory { store, tenants in
            var seed = Seed.announced(for: "balances as of a time")
            let replays = try await replays(store, tenants)
            for round in 0..<10 {
                var questions: [String] = []
                var answers: [String] = []
                for _ in 0..<1_000 {
                    let (account, at, posted, held) = replays.randomMoment(&seed)
                    questions.append("('\(account)'::uuid, \(at))")
                    answers.append("\(posted)\t\(held)")
                }
                let rows = try await psql(
                    """
                    SELECT coalesce(found.balance, 0), coalesce(found.held, 0)
                    FROM (VALUES \(questions.joined(separator: ", "))) AS asked (account, at)
                    LEFT JOIN LATERAL ledger.balance_at(
                        asked.account, 'epoch'::timestamptz + asked.at * interval '1 microsecond'
                    ) AS found ON true
                    """
                )
                expect(rows, answers, to: questions, seed)
            }
        }
    }

    /// `RUNLEDGER_WHY_MOMENTS` asks for more of them.
    @Test("why adds up to the balance, the holds and what is available at random accounts and moments")
    func randomReasons() async throws {
        let asked = ProcessInfo.processInfo.environment["RUNLEDGER_WHY_MOMENTS"].flatMap { Int($0) } ?? 600
        try await withHistory { store, tenants in
            var seed = Seed.announced(for: "why at a time")
            let long = try await LongHistory.make(in: store)
            let replays = try await replays(store, tenants + [long.tenant])
            for round in 0..<(asked + 199) / 200 {
                var questions: [String] = []
                var answers: [String] = []
                for _ in 0..<min(200, asked - round * 200) {
                    let (account, at, posted, held) = replays.randomMoment(&seed)
                    questions.append("('\(account)'::uuid, \(at))")
                    answers.append("\(posted)\t\(held)\t\(posted - held)")
                }
                let sums = ["balance", "held", "available"].map { number in
                    """
                    (
                        SELECT coalesce(sum(why.change), 0)
                        FROM ledger.why(asked.account, '\(number)', NULL, ledger.sequence_as_of(
                            asked.account, 'epoch'::timestamptz + asked.at * interval '1 microsecond'
                        )) AS why
                    )
                    """
                }
                let rows = try await psql(
                    """
                    SELECT \(sums.joined(separator: ", "))
                    FROM (VALUES \(questions.joined(separator: ", "))) AS asked (account, at)
                    """
                )
                expect(rows, answers, to: questions, seed)
            }
        }
    }

    /// Expects an answer a line.
    private func expect(_ rows: String, _ answers: [String], to questions: [String], _ seed: Seed) {
        let given = rows.split(separator: "\n").map(String.init)
        #expect(given.count == answers.count)
        let wrong = zip(given, answers).enumerated().first { $0.element.0 != $0.element.1 }
        #expect(wrong == nil, "SEED=\(seed.value): \(questions[wrong?.offset ?? 0]): \(wrong as Any)")
    }

    @Test("why finds what lies a thousand events back: a charge, a pot, an open hold, a grant, a refusal and the plan")
    func longHistory() async throws {
        try await withHistory { store, _ in
            let long = try await LongHistory.make(in: store)
            let state = try #require(try await store.state(of: long.tenant.account))
            #expect(state.account.map { $0.sequence > 1_300 } == true)
            func why(_ subject: WhySubject) async throws -> Explanation {
                try #require(try await store.why(subject, of: long.tenant.account, asOf: .now))
            }
            let charge = try await why(.charge(long.charged))
            #expect(charge.number == 2_000_000)
            #expect(charge.lines.map(\.type) == [.creditsHeld, .executionSucceeded, .creditsReleased])
            let held = try await why(.held)
            #expect(held.number == 5_000_000 && held.lines.map(\.executionID) == [long.open])
            for pot in [long.firstPot, long.pot] {
                #expect(try await why(.pot(pot)).number == state.pots[pot]?.remaining.microcredits)
            }
            #expect(try await why(.pot(PotID(FreshID.bits()))).lines.isEmpty)
            let grant = try #require(state.grants.keys.first)
            #expect(try await why(.grant(grant)).number == 3)
            let refusal = try await why(.refusedRequest(long.refused.value))
            #expect(refusal.lines.last?.type == .creditsRefused && refusal.number == 993_000_000)
            let denied = try await why(.refusedRequest(long.denied.value))
            #expect(denied.lines.map(\.type) == [.accountOpened, .keyIssued, .capabilityDenied])
        }
    }
}

/// An account with more than a thousand events between its beginning and its end.
private struct LongHistory {
    let tenant: Tenant
    let firstPot: PotID
    let pot: PotID
    let charged: ExecutionID
    let open: ExecutionID
    let refused: ExecutionID
    let denied: RequestID

    static func make(in store: LedgerStore) async throws -> LongHistory {
        let tenant = try await Tenant.open(in: store, tier: .business)
        let (firstPot, pot) = (PotID(FreshID.bits()), PotID(FreshID.bits()))
        try await store.succeed(tenant.addCredits(Credits(whole: 1_000), pot: firstPot))
        try await store.succeed(tenant.issueGrant(.runs(3), model: "writer"))
        let (charged, open, refused) = (tenant.newExecution(), tenant.newExecution(), tenant.newExecution())
        _ = try await store.submit(tenant.admit(charged, quote: Credits(whole: 3)))
        _ = try await store.submit(tenant.succeed(charged, cost: Credits(whole: 2)))
        _ = try await store.submit(tenant.admit(open, quote: Credits(whole: 5)))
        _ = try await store.submit(tenant.admit(refused, quote: Credits(whole: 2_000)))
        let runs = (0..<200).map { _ in tenant.newExecution() }
        _ = try await store.submitAtOnce(runs.map { tenant.admit($0, quote: Credits(whole: 4)) })
        try await store.succeed(tenant.addCredits(Credits(whole: 50), pot: pot))
        _ = try await store.submitAtOnce(runs.map { tenant.succeed($0, cost: Credits(whole: 3)) })
        // The key may run models, and cancel nothing.
        let wish = RequestCancel(executionID: open, keyID: tenant.key, isUndispatched: false)
        let cancel = tenant.command(.requestCancel(wish))
        _ = try await store.submit(cancel)
        let denied = try #require(cancel.requestID)
        return LongHistory(
            tenant: tenant,
            firstPot: firstPot,
            pot: pot,
            charged: charged,
            open: open,
            refused: refused,
            denied: denied
        )
    }
}

/// What accounts had after each event.
private struct Replays {
    struct Point {
        let at: Int64
        let posted: Int64
        let held: Int64
    }

    let accounts: [(account: AccountID, points: [Point])]

    /// An account and a moment, half of them where events are dense: a microsecond around one; and what it had then.
    func randomMoment(_ seed: inout Seed) -> (account: AccountID, at: Int64, posted: Int64, held: Int64) {
        let (account, points) = accounts.randomElement(using: &seed)!
        let range = (points[0].at - 5)...(points[points.count - 1].at + 5)
        let at =
            Bool.random(using: &seed)
            ? Int64.random(in: range, using: &seed)
            : points.randomElement(using: &seed)!.at + Int64.random(in: -1...1, using: &seed)
        let last = points.last { $0.at <= at }
        return (account, at, last?.posted ?? 0, last?.held ?? 0)
    }
}
