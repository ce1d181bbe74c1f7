import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

@Suite("A command and its traces", .gated, .database(LedgerDatabase.template(journals: 4)))
struct StoreBasicsTests {
    @Test("a run from credits to debit leaves its events, one by one, and a row in every projection")
    func wholeRun() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store, tier: .business, credits: Credits(whole: 10))
            try await store.succeed(tenant.issueGrant(.runs(1), model: "writer"))
            let (paid, open) = (tenant.newExecution(), tenant.newExecution())
            #expect(try await store.submit(tenant.admit(paid)).admission?.window?.count == 1)
            let cost = Credits(microcredits: 400_000)
            let settlement = try await store.submit(tenant.succeed(paid, cost: cost)).settlement
            #expect(settlement?.execution.charged == cost)
            #expect(settlement?.isRepeat == false)
            #expect(try await store.submit(tenant.admit(open, model: "writer")).admission?.grantID != nil)

            let events = try await store.allEvents(of: tenant.account)
            #expect(
                events.map(\.content.type) == [
                    .accountOpened, .keyIssued, .creditsAdded, .grantIssued, .requestReceived, .capabilityGranted,
                    .rateLimitCounted, .creditsHeld, .executionSucceeded, .creditsDebited, .creditsReleased,
                    .requestReceived, .capabilityGranted, .rateLimitCounted, .grantHeld,
                ]
            )
            let state = try #require(try await store.state(of: tenant.account))
            #expect(state.account?.posted == Credits(microcredits: 9_600_000))
            #expect(state.account?.held == .zero)
            #expect(state.pots.values.map(\.remaining) == [Credits(microcredits: 9_600_000)])
            #expect(state.grants.values.map(\.held) == [1])
            #expect(state.windows[.modelRun]?.count == 2)
            #expect(try await store.execution(paid, of: tenant.account)?.status == .succeeded)
            #expect(try await store.execution(open, of: tenant.account)?.status == .admitted)
            #expect(try await store.openExecutions(in: tenant.journal).map(\.execution.id) == [open])
            #expect(try await store.key(tenant.key)?.accountID == tenant.account)
            for table in projectionTables where !["auto_top_ups", "workflows", "workflow_nodes"].contains(table) {
                #expect(try await count("SELECT count(*) FROM ledger.\(table)") > 0, "\(table) is empty")
            }
            let report = try await expectSound(store)
            #expect(report.openHolds == 1)
            #expect(report.accounts == 1)
            #expect(report.events == Int64(events.count))
        }
    }

    @Test("each event continues from the hash of the account's event before, and the journal's head from all of them")
    func hashesChain() async throws {
        try await withStore { store in
            let journal = JournalID(2)
            let first = try await Tenant.open(in: store, credits: Credits(whole: 1), journal: journal)
            let second = try await Tenant.open(in: store, credits: Credits(whole: 1), journal: journal)
            _ = try await store.submit(first.admit())
            _ = try await store.submit(second.admit())
            var positions: [Int64] = []
            var hashes: [Int64: Digest] = [:]
            for tenant in [first, second] {
                let events = try await store.allEvents(of: tenant.account)
                #expect(events.map(\.sequence) == Array(1...Int64(events.count)))
                #expect(events.first?.previousHash == nil)
                #expect(zip(events, events.dropFirst()).allSatisfy { $1.previousHash == $0.hash })
                #expect(events.allSatisfy { $0.hash == $0.recomputedHash })
                let times = events.map(\.content.recordedAt)
                #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
                positions += events.map(\.position)
                for event in events { hashes[event.position] = event.hash }
            }
            positions.sort()
            #expect(positions == Array(1...Int64(positions.count)))
            let head = positions.reduce(Digest.zero) { $0.chained(with: hashes[$1] ?? .zero) }
            let stored = try await psql(
                "SELECT position, encode(head_hash, 'hex') FROM ledger.journals WHERE journal = \(journal)"
            )
            #expect(stored == "\(positions.count)\t\(head)")
            try await expectSound(store)
        }
    }

    @Test("an administrative command given again is already done, and adds nothing, whatever it is")
    func repeatedCommands() async throws {
        try await withStore { store in
            let tenant = Tenant(in: store)
            let pot = PotID(FreshID.bits())
            let grant = GrantID(FreshID.bits())
            let commands = [
                tenant.command(.openAccount(OpenAccount(tier: .business))), tenant.issueKey(),
                tenant.addCredits(Credits(whole: 5), pot: pot),
                tenant.command(
                    .adjustCredits(
                        AdjustCredits(
                            potID: pot,
                            amount: Credits(whole: -1),
                            reason: "a mistake",
                            correctsSequence: 3
                        )
                    )
                ),
                tenant.issueGrant(.runs(3), grant: grant), tenant.command(.revokeGrant(grant)),
                tenant.command(.changeTier(.enterprise)), tenant.command(.setApproval(false)),
                tenant.command(.revokeKey(tenant.key)), tenant.command(.closeAccount),
            ]
            for command in commands {
                try await store.succeed(command)
                #expect(try await store.submit(command) == .alreadyDone)
            }
            let events = try await store.allEvents(of: tenant.account)
            #expect(events.count == commands.count)
            // Long after, and all in one batch.
            #expect(try await store.submitAtOnce(commands) == commands.map { _ in .alreadyDone })
            #expect(try await store.allEvents(of: tenant.account) == events)
            try await expectSound(store)
        }
    }

    @Test("of one command given 50 times at once, one is carried out")
    func sameCommandAtOnce() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store)
            let command = tenant.addCredits(Credits(whole: 3))
            let verdicts = try await store.submitAtOnce(Array(repeating: command, count: 50))
            #expect(verdicts.count { $0 == .done } == 1)
            #expect(verdicts.count { $0 == .alreadyDone } == 49)
            #expect(try await store.state(of: tenant.account)?.account?.posted == Credits(whole: 3))
            try await expectSound(store)
        }
    }

    @Test("an admission given again is already admitted, while it runs and after its end, and holds nothing twice")
    func repeatedAdmission() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 5))
            let execution = tenant.newExecution()
            let command = tenant.admit(execution)
            let verdicts = try await store.submitAtOnce(Array(repeating: command, count: 20))
            #expect(verdicts.count { $0.admission != nil } == 1)
            #expect(verdicts.count { if case .alreadyAdmitted = $0 { true } else { false } } == 19)
            #expect(try await store.state(of: tenant.account)?.account?.held == Credits(whole: 1))
            _ = try await store.submit(tenant.succeed(execution, cost: Credits(whole: 1)))
            guard case .alreadyAdmitted(let run) = try await store.submit(tenant.admit(execution)) else {
                Issue.record("a run that has ended was admitted again")
                return
            }
            #expect(run.status == .succeeded)
            let holds = try await store.allEvents(of: tenant.account).count { $0.content.type == .creditsHeld }
            #expect(holds == 1)
            try await expectSound(store)
        }
    }

    @Test("a run settles once: whoever comes later, with another outcome or at the same time, learns the first outcome")
    func settlesOnce() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 5))
            let execution = tenant.newExecution()
            _ = try await store.submit(tenant.admit(execution))
            let outcomes = (0..<30).map { index in
                index.isMultiple(of: 2) ? tenant.fail(execution) : tenant.succeed(execution, cost: Credits(whole: 1))
            }
            let settlements = try await store.submitAtOnce(outcomes).compactMap(\.settlement)
            #expect(settlements.count == 30)
            #expect(settlements.count { !$0.isRepeat } == 1)
            #expect(Set(settlements.map(\.execution)).count == 1)
            let before = try await store.allEvents(of: tenant.account)
            let late = try await store.submit(tenant.fail(execution)).settlement
            #expect(late?.isRepeat == true)
            #expect(late?.execution == settlements.first?.execution)
            #expect(try await store.allEvents(of: tenant.account) == before)
            try await expectSound(store)
        }
    }

    @Test("commands for an account that is not there are refused without a trace")
    func unknownAccount() async throws {
        try await withStore { store in
            let stranger = Tenant(in: store)
            let verdict = try await store.submit(stranger.admit())
            #expect(verdict.refusal == .unauthorized)
            #expect(try await store.submit(stranger.addCredits(Credits(whole: 1))).refusal == .accountUnknown)
            #expect(try await store.submit(stranger.fail(stranger.newExecution())).refusal == .executionUnknown)
            #expect(try await store.state(of: stranger.account) == nil)
            #expect(try await count("SELECT count(*) FROM ledger.events") == 0)
        }
    }

    @Test("an id that another account has does nothing to that account: a key's is refused, a run's names another run")
    func foreignIdentifiers() async throws {
        try await withStore { store in
            let journal = JournalID(1)
            let owner = try await Tenant.open(in: store, credits: Credits(whole: 5), journal: journal)
            let other = try await Tenant.open(in: store, credits: Credits(whole: 5), journal: journal)
            let execution = owner.newExecution()
            _ = try await store.submit(owner.admit(execution))
            try await store.succeed(owner.command(.revokeKey(owner.key)))
            let error = try await storeError { try await store.submit(other.issueKey(owner.key)) }
            #expect(error.code == .rejected)
            #expect(try await store.key(owner.key)?.key.revokedAt != nil)
            #expect(try await store.submit(other.admit(execution)).admission != nil)
            #expect(try await store.submit(other.succeed(execution, cost: Credits(whole: 1))).settlement != nil)
            #expect(try await store.execution(execution, of: other.account)?.status == .succeeded)
            #expect(try await store.execution(execution, of: owner.account)?.status == .admitted)
            #expect(try await store.submit(owner.succeed(execution, cost: Credits(whole: 1))).settlement != nil)
            try await expectSound(store)
        }
    }

    @Test("what an account reads of itself is of one moment, also while runs are admitted and settled")
    func consistentReading() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 1_000))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<60 {
                            let execution = tenant.newExecution()
                            _ = try await store.submit(tenant.admit(execution))
                            _ = try await store.submit(tenant.succeed(execution, cost: Credits(microcredits: 1)))
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<300 {
                        let state = try #require(try await store.state(of: tenant.account))
                        let available = state.pots.values.reduce(Credits.zero) { $0 + $1.remaining }
                        let held = state.pots.values.reduce(Credits.zero) { $0 + $1.held }
                        try #require(available == state.account?.available)
                        try #require(held == state.account?.held)
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
