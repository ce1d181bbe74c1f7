import Ledger
import LedgerStore
import LedgerTestSupport
import Postgres
import TestSupport
import Testing

@Suite("A commit whose reply is lost", .gated, .database(LedgerDatabase.template(journals: 2)))
struct LostCommitTests {
    /// A store through a proxy that can be cut, and one past it.
    private func withCutter(
        _ settings: StoreSettings = StoreSettings(),
        _ body: (CommitCutter, LedgerStore, _ direct: LedgerStore) async throws -> Void
    ) async throws {
        let cutter = try CommitCutter(before: TestDatabase.url)
        defer { cutter.stop() }
        try await withStore { direct in
            try await withStore(at: cutter.url(for: TestDatabase.url), settings) { try await body(cutter, $0, direct) }
        }
    }

    @Test(
        "the verdict arrives all the same, and what was decided is in the log once",
        arguments: [
            [CommitCutter.Cut.afterCommit], [.beforeCommit], [.beforeEvents, .beforeCommit, .afterCommit],
        ]
    )
    func singleCommand(_ cuts: [CommitCutter.Cut]) async throws {
        try await withCutter { cutter, store, direct in
            let tenant = try await Tenant.open(in: direct, credits: Credits(whole: 5))
            let execution = tenant.newExecution()
            cutter.arm(cuts)
            let verdict = try await store.submit(tenant.admit(execution))
            #expect(verdict.admission?.executionID == execution)
            #expect(cutter.cutCount == cuts.count)
            let types = try await direct.allEvents(of: tenant.account).dropFirst(3).map(\.content.type)
            #expect(types == [.requestReceived, .capabilityGranted, .creditsHeld])

            cutter.arm(cuts)
            let settlement = try await store.submit(tenant.succeed(execution, cost: Credits(whole: 1))).settlement
            #expect(settlement?.isRepeat == false)
            #expect(cutter.cutCount == 2 * cuts.count)
            let account = try #require(try await direct.state(of: tenant.account)?.account)
            #expect(account.posted == Credits(whole: 4))
            #expect(account.held == .zero)
            #expect(account.sequence == 8)
            try await expectSound(direct)
        }
    }

    @Test("a whole batch, refusals and all, keeps its verdicts, also when another process writes the journal meanwhile")
    func batch() async throws {
        try await withCutter { cutter, store, direct in
            for cut in CommitCutter.Cut.allCases {
                let journal = JournalID(0)
                let tenant = try await Tenant.open(in: direct, credits: Credits(whole: 40), journal: journal)
                let other = try await Tenant.open(in: direct, credits: Credits(whole: 200), journal: journal)
                cutter.arm([cut, cut, cut])
                async let mine = store.submitAtOnce((0..<100).map { _ in tenant.admit() })
                async let others = direct.submitAtOnce((0..<200).map { _ in other.admit() })
                let verdicts = try await mine
                #expect(try await others.count { $0.admission != nil } == 200)
                let admitted = verdicts.compactMap { $0.admission?.executionID }
                #expect(admitted.count == 40)
                #expect(verdicts.count { if case .insufficientCredits? = $0.refusal { true } else { false } } == 60)
                let events = try await direct.allEvents(of: tenant.account)
                let held = events.filter { $0.content.type == .creditsHeld }.compactMap(\.content.executionID)
                #expect(held.count == 40)
                #expect(Set(held) == Set(admitted))
                #expect(events.count { $0.content.type == .creditsRefused } == 60)
                #expect(events.count { $0.content.type == .requestReceived } == 100)
                try await expectSound(direct)
            }
            #expect(cutter.cutCount > 2)
        }
    }

    @Test("a database that is gone before the commit was sent: unavailable when the budget ends, and nothing recorded")
    func goneBefore() async throws {
        var settings = StoreSettings()
        settings.options.retryBudget = .seconds(2)
        settings.clientOptions.leaseTimeout = .milliseconds(300)
        try await withCutter(settings) { cutter, store, direct in
            let tenant = try await Tenant.open(in: direct, credits: Credits(whole: 5))
            cutter.refuse(true)
            cutter.severAll()
            let error = try await storeError { try await store.submit(tenant.admit()) }
            #expect(error.code == .unavailable)
            #expect(error.outcome != .unknown)
            #expect(try await direct.allEvents(of: tenant.account).count == 3)

            cutter.refuse(false)
            #expect(try await self.eventually(store, tenant.admit()).admission != nil)
            try await expectSound(direct)
        }
    }

    @Test(
        "a database that is gone after the commit was sent: the outcome is unknown, and asking again tells it",
        arguments: CommitCutter.Cut.allCases
    )
    func goneAfter(_ cut: CommitCutter.Cut) async throws {
        var settings = StoreSettings()
        settings.options.retryBudget = .seconds(2)
        settings.clientOptions.leaseTimeout = .milliseconds(300)
        settings.sessions = 1
        try await withCutter(settings) { cutter, store, direct in
            let tenant = try await Tenant.open(in: direct, credits: Credits(whole: 5))
            let command = tenant.admit()
            // The connections that stand go on; no other comes after them.
            cutter.refuse(true)
            cutter.arm([cut])
            let error = try await storeError { try await store.submit(command) }
            #expect(error.code == .unavailable)
            #expect(error.outcome == .unknown)
            let isHeld = cut == .afterCommit
            #expect(try await direct.state(of: tenant.account)?.account?.held.isPositive == isHeld)

            cutter.refuse(false)
            switch try await eventually(store, command) {
            case .alreadyAdmitted: #expect(isHeld)
            case .admitted: #expect(!isHeld)
            case let verdict: Issue.record("\(verdict)")
            }
            #expect(try await direct.state(of: tenant.account)?.account?.held == Credits(whole: 1))
            try await expectSound(direct)
        }
    }

    @Test("a batch that lost its connection and holds a command that the database refuses: only that one fails")
    func poisonAfterLoss() async throws {
        try await withCutter { cutter, store, direct in
            let tenant = try await Tenant.open(in: direct, credits: Credits(whole: 50))
            cutter.arm([.beforeEvents])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let verdict = try await store.submit(tenant.admit())
                        #expect(verdict.admission != nil)
                    }
                }
                group.addTask {
                    let bad = tenant.admit(model: "a\0b")
                    let error = try await storeError { try await store.submit(bad) }
                    #expect(error.code == .rejected)
                    #expect(error.outcome == .rolledBack)
                }
                try await group.waitForAll()
            }
            #expect(cutter.cutCount == 1)
            #expect(try await direct.state(of: tenant.account)?.account?.held == Credits(whole: 20))
            try await expectSound(direct)
        }
    }

    /// The verdict on a command, once the client has found the database again.
    private func eventually(_ store: LedgerStore, _ command: Command) async throws -> Verdict {
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            do throws(LedgerStoreError) {
                return try await store.submit(command)
            } catch {
                guard error.code == .unavailable, ContinuousClock.now < deadline else { throw error }
            }
        }
    }
}
