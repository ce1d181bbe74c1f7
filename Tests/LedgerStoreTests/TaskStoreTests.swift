import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

/// Tasks of open runs in PostgreSQL: made with the hold, gone with it, and had by one process at a time.
@Suite("Tasks of open runs", .gated, .database(LedgerDatabase.template(journals: 4)))
struct TaskStoreTests {
    private static let digest = Digest(of: [9])

    private static func admit(
        _ tenant: Tenant,
        _ execution: ExecutionID,
        at moment: Timestamp,
        state: RunTask.State = .queued,
        claimedBy: Int64? = nil
    ) -> Command {
        let quote = RunQuote(
            amount: Credits(whole: 2),
            priceVersion: "1",
            definitionVersion: 4,
            requiredTier: .pro,
            supportsAsync: true,
            deadlineSeconds: 300,
            unresolvedHoldSeconds: 3_600,
            unresolvedPolicy: .release
        )
        let draft = RunTaskDraft(
            inputs: #"{"prompt":"ünï"}"#,
            callbackDigest: digest,
            state: state,
            claimedBy: claimedBy,
            nextActionAt: moment
        )
        let run = AdmitRun(
            executionID: execution,
            keyID: tenant.key,
            model: "painter",
            inputsDigest: nil,
            preflight: .quoted(quote),
            isAsync: true,
            task: draft
        )
        return tenant.command(.admitRun(run))
    }

    /// A store with a clock that stands still, and an account with credits.
    private static func withTenant(
        _ body: (LedgerStore, Tenant, TestClock) async throws -> Void
    ) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 1_000))
            try await body(store, tenant, clock)
            try await expectSound(store)
        }
    }

    private static func tasks() async throws -> Int { try await count("SELECT count(*) FROM ledger.run_tasks") }

    private static func put(
        _ store: LedgerStore,
        _ task: RunTask,
        by instance: Int64,
        at moment: Timestamp,
        isLetGo: Bool = true
    ) async throws -> RunTask.Cancel? {
        try await store.putTask(
            task,
            instance: instance,
            callbackDigest: nil,
            nextActionAt: moment,
            isLetGo: isLetGo
        )
    }

    @Test("a task comes with its run's hold and says all that was said; a refused run has none")
    func made() async throws {
        try await Self.withTenant { store, tenant, clock in
            let execution = tenant.newExecution()
            let command = Self.admit(tenant, execution, at: clock.now)
            #expect(try await store.submit(command).admission != nil)
            let tasks = try await store.claimTasks(limit: 10, instance: 1, until: clock.now.adding(seconds: 30))
            let run = try #require(try await store.execution(execution, of: tenant.account))
            #expect(run.isAsync)
            let facts = RunTask.Facts(
                executionID: execution,
                accountID: tenant.account,
                requestID: command.requestID,
                keyID: tenant.key,
                model: "painter",
                definitionVersion: 4,
                inputs: #"{"prompt":"ünï"}"#,
                isAsync: true,
                quote: Credits(whole: 2),
                admittedAt: run.admittedAt,
                deadlineAt: run.deadlineAt
            )
            var expected = RunTask(facts, state: .queued)
            expected.claim = 1
            #expect(tasks == [expected])
            // Its run has a task, so nobody has to look for it.
            #expect(try await store.openExecutions(in: tenant.journal).isEmpty)

            let poor = try await Tenant.open(in: store, credits: Credits(whole: 1))
            #expect(try await store.submit(Self.admit(poor, poor.newExecution(), at: clock.now)).refusal != nil)
            #expect(try await Self.tasks() == 1)
        }
    }

    @Test("workers that claim at once get each task once, and every task")
    func claimedOnce() async throws {
        try await Self.withTenant { store, tenant, clock in
            let commands = (0..<120).map { _ in Self.admit(tenant, tenant.newExecution(), at: clock.now) }
            for verdict in try await store.submitAtOnce(commands) { #expect(verdict.admission != nil) }
            let until = clock.now.adding(seconds: 30)
            let claimed = try await withThrowingTaskGroup(of: [ExecutionID].self) { group in
                for instance in Int64(1)...6 {
                    group.addTask {
                        var mine: [ExecutionID] = []
                        while true {
                            let batch = try await store.claimTasks(limit: 7, instance: instance, until: until)
                            if batch.isEmpty { return mine }
                            mine += batch.map(\.facts.executionID)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            // A claim that passes over rows another one has just locked may end early; what is left is there to claim.
            let left = try await store.claimTasks(limit: 200, instance: 9, until: until)
            let all = claimed + left.map(\.facts.executionID)
            #expect(all.count == 120)
            #expect(Set(all).count == 120)
        }
    }

    @Test("a claim lasts until it runs out, can be renewed, and then counts for nothing")
    func claims() async throws {
        try await Self.withTenant { store, tenant, clock in
            let execution = tenant.newExecution()
            _ = try await store.submit(Self.admit(tenant, execution, at: clock.now))
            let first = try #require(
                try await store.claimTasks(limit: 1, instance: 1, until: clock.now.adding(seconds: 30)).first
            )
            clock.advance(seconds: 29)
            #expect(try await store.claimTasks(limit: 1, instance: 2, until: clock.now.adding(seconds: 30)).isEmpty)
            try await store.renewTasks([execution], instance: 1, until: clock.now.adding(seconds: 30))
            clock.advance(seconds: 29)
            #expect(try await store.claimTasks(limit: 1, instance: 2, until: clock.now.adding(seconds: 30)).isEmpty)
            clock.advance(seconds: 1)
            let second = try #require(
                try await store.claimTasks(limit: 1, instance: 2, until: clock.now.adding(seconds: 30)).first
            )
            #expect(second.claim == 2)
            // Whoever had it before can neither write nor renew.
            #expect(try await Self.put(store, first, by: 1, at: clock.now) == nil)
            try await store.renewTasks([execution], instance: 1, until: clock.now.adding(seconds: 900))
            #expect(try await Self.put(store, second, by: 2, at: clock.now.adding(seconds: 5)) == RunTask.Cancel.none)
            #expect(try await store.claimTasks(limit: 1, instance: 3, until: clock.now).isEmpty)
            clock.advance(seconds: 5)
            #expect(try await store.claimTasks(limit: 1, instance: 3, until: clock.now).count == 1)
        }
    }

    @Test("tasks of a process that is gone are freed, and those of others are not")
    func freed() async throws {
        try await Self.withTenant { store, tenant, clock in
            for instance in [Int64(1), 2, 2] {
                let until = clock.now.adding(seconds: 600)
                let command = Self.admit(
                    tenant,
                    tenant.newExecution(),
                    at: until,
                    state: .submitting,
                    claimedBy: instance
                )
                _ = try await store.submit(command)
            }
            #expect(try await store.readTaskHolders() == [1, 2])
            #expect(try await store.freeTasks(instances: [2]) == 2)
            let claimed = try await store.claimTasks(limit: 9, instance: 3, until: clock.now.adding(seconds: 30))
            #expect(claimed.map(\.state) == [.submitting, .submitting])
            #expect(try await store.readTaskHolders() == [1, 3])
        }
    }

    @Test("acceptance notes the provider's id and links with its event, and says when to poll")
    func accepted() async throws {
        try await Self.withTenant { store, tenant, clock in
            let execution = tenant.newExecution()
            let until = clock.now.adding(seconds: 600)
            _ = try await store.submit(Self.admit(tenant, execution, at: until, state: .submitting, claimedBy: 1))
            let polling = RecordSubmission.Polling(links: #"{"status":"x"}"#, firstPollAt: clock.now.adding(seconds: 2))
            let submission = RecordSubmission(executionID: execution, providerRequestID: "job-1", task: polling)
            #expect(try await store.submit(tenant.command(.recordSubmission(submission))) == .done)
            #expect(try await store.execution(execution, of: tenant.account)?.submittedAt != nil)
            #expect(try await store.claimTasks(limit: 1, instance: 2, until: until).isEmpty)
            clock.advance(seconds: 2)
            let task = try #require(try await store.claimTasks(limit: 1, instance: 2, until: until).first)
            #expect(task.state == .polling)
            #expect(task.providerRequestID == "job-1")
            #expect(task.providerLinks == #"{"status":"x"}"#)
        }
    }

    @Test("every end of a run takes its task away in the same transaction, and keeps what was reported")
    func ends() async throws {
        try await Self.withTenant { store, tenant, clock in
            let far = clock.now.adding(seconds: 600)
            let runs = (0..<4).map { _ in tenant.newExecution() }
            for run in runs { _ = try await store.submit(Self.admit(tenant, run, at: far, claimedBy: 1)) }
            let success = RunOutcome.succeeded(
                cost: Credits(whole: 1),
                providerCost: .zero,
                resultDigest: nil,
                durationMilliseconds: 5
            )
            let report = RunReport(result: #"{"text":["ünï"]}"#, errorMessage: nil, milliseconds: 5)
            let settlement = SettleRun(executionID: runs[0], outcome: success, providerRequestID: nil, report: report)
            _ = try await store.submit(tenant.command(.settleRun(settlement)))
            _ = try await store.submit(tenant.fail(runs[1]))
            let wish = RequestCancel(executionID: runs[2], keyID: tenant.key)
            let refusal = try await store.submit(tenant.command(.requestCancel(wish))).refusal
            #expect(refusal == .capabilityDenied(required: .cancelExecutions))
            #expect(try await Self.tasks() == 2)
            clock.advance(seconds: 4_000)
            for run in runs[2...] {
                #expect(try await store.submit(tenant.command(.expireHold(HoldID(run.value)))) == .done)
            }
            #expect(try await Self.tasks() == 0)
            #expect(try await store.reports(of: runs, in: tenant.journal) == [runs[0]: report])
            // A repeat changes nothing of it.
            let other = RunReport(result: nil, errorMessage: "no", milliseconds: 9)
            let again = SettleRun(executionID: runs[0], outcome: success, providerRequestID: nil, report: other)
            #expect(try await store.submit(tenant.command(.settleRun(again))).settlement?.isRepeat == true)
            #expect(try await store.reports(of: runs, in: tenant.journal) == [runs[0]: report])
        }
    }

    @Test("a run is cancelled at once only while it is certainly unsent; whoever is about to send it finds nothing")
    func cancelled() async throws {
        try await Self.withTenant { store, tenant, clock in
            let key = KeyID(FreshID.bits(in: tenant.journal))
            let capability = try #require(Capability("execution:cancel"))
            try await store.succeed(
                tenant.command(
                    .issueKey(
                        IssueKey(keyID: key, name: "c", secretDigest: Digest(of: [5]), capabilities: [capability])
                    )
                )
            )
            let (queued, sent) = (tenant.newExecution(), tenant.newExecution())
            let until = clock.now.adding(seconds: 600)
            _ = try await store.submit(Self.admit(tenant, queued, at: clock.now))
            var task = try #require(try await store.claimTasks(limit: 1, instance: 1, until: until).first)
            _ = try await store.submit(Self.admit(tenant, sent, at: until, state: .submitting, claimedBy: 1))
            func cancel(_ run: ExecutionID) async throws -> Verdict {
                let wish = RequestCancel(executionID: run, keyID: key)
                return try await store.submit(tenant.command(.requestCancel(wish)))
            }
            guard case .cancelRequested(let ended) = try await cancel(queued) else {
                Issue.record("the queued run was not cancelled")
                return
            }
            #expect(ended.status == .cancelled)
            task.state = .submitting
            #expect(try await Self.put(store, task, by: 1, at: until, isLetGo: false) == nil)

            guard case .cancelRequested(let open) = try await cancel(sent) else {
                Issue.record("the wish was not taken")
                return
            }
            #expect(open.status == .admitted)
            #expect(open.cancelRequestedAt != nil)
            #expect(try await store.execution(sent, of: tenant.account)?.cancelRequestedAt != nil)
            _ = try await store.freeTasks(instances: [1])
            #expect(try await store.claimTasks(limit: 1, instance: 2, until: until).map(\.cancel) == [.requested])
        }
    }

    @Test("a hint makes a free task due now, and a claimed one as soon as it is let go; a wrong token does nothing")
    func hints() async throws {
        try await Self.withTenant { store, tenant, clock in
            let execution = tenant.newExecution()
            let later = clock.now.adding(seconds: 600)
            _ = try await store.submit(Self.admit(tenant, execution, at: later))
            #expect(try await !store.hint(execution, Digest(of: [8])))
            #expect(try await store.claimTasks(limit: 1, instance: 1, until: later).isEmpty)
            #expect(try await store.hint(execution, Self.digest))
            let task = try #require(try await store.claimTasks(limit: 1, instance: 1, until: later).first)
            #expect(try await store.hint(execution, Self.digest))
            #expect(try await store.claimTasks(limit: 1, instance: 2, until: later).isEmpty)
            _ = try await Self.put(store, task, by: 1, at: later)
            #expect(try await store.claimTasks(limit: 1, instance: 2, until: later).count == 1)
            #expect(try await store.callbackModel(execution, Self.digest) == "painter")
            #expect(try await store.callbackModel(execution, Digest(of: [8])) == nil)
        }
    }

    @Test("reads are counted by the clock minute up to a limit, by all processes together")
    func reads() async throws {
        try await Self.withTenant { store, tenant, clock in
            for number in Int64(1)...3 {
                let (window, fits) = try await store.countReadInMinute(of: tenant.account, limit: 3)
                #expect(fits)
                #expect(window.count == number)
            }
            let (full, fits) = try await store.countReadInMinute(of: tenant.account, limit: 3)
            #expect(!fits)
            #expect(full.remaining == 0)
            clock.advance(seconds: 60)
            #expect(try await store.countReadInMinute(of: tenant.account, limit: 3).window.count == 1)
        }
    }

    @Test("results are deleted by age, and the runs stay")
    func purge() async throws {
        try await Self.withTenant { store, tenant, clock in
            let execution = tenant.newExecution()
            _ = try await store.submit(Self.admit(tenant, execution, at: clock.now))
            let report = RunReport(result: "{}", errorMessage: nil, milliseconds: 1)
            let settlement = SettleRun(
                executionID: execution,
                outcome: .failed(code: "X", durationMilliseconds: 1),
                providerRequestID: nil,
                report: report
            )
            _ = try await store.submit(tenant.command(.settleRun(settlement)))
            #expect(try await store.purgeResults(before: clock.now) == 0)
            #expect(try await store.purgeResults(before: clock.now.adding(seconds: 1)) == 1)
            #expect(try await store.reports(of: [execution], in: tenant.journal).isEmpty)
            #expect(try await store.execution(execution, of: tenant.account)?.status == .failed)
        }
    }
}
