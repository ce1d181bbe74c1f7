import Ledger
import LedgerStore
import LedgerTestSupport
import Postgres
import Synchronization
import Testing

/// What became of every run of a load, as its callers were told.
///
/// A caller admits, then settles. What it is told is remembered at once, so that a crash can't take it back.
final class RunLog: Sendable {
    struct Told: Sendable {
        var admitted: Set<ExecutionID> = []
        var refused: Set<ExecutionID> = []
        /// An error said that nothing was done.
        var notAdmitted: Set<ExecutionID> = []
        var unknownAdmission: Set<ExecutionID> = []
        var settled: [ExecutionID: Execution.Status] = [:]
        var notSettled: Set<ExecutionID> = []
        var unknownSettlement: Set<ExecutionID> = []
    }

    private let state = Mutex(Told())

    var told: Told { state.withLock { $0 } }

    private func note(_ execution: ExecutionID, _ runs: WritableKeyPath<Told, Set<ExecutionID>>) {
        state.withLock { _ = $0[keyPath: runs].insert(execution) }
    }

    /// One run from admission to its end; an error of the store is remembered, not thrown.
    func run(_ tenant: Tenant, _ store: LedgerStore, settles: Bool = true) async throws {
        let execution = tenant.newExecution()
        do {
            let verdict = try await store.submit(tenant.admit(execution))
            if verdict.refusal != nil {
                note(execution, \.refused)
                return
            }
            try #require(verdict.admission?.executionID == execution, "\(verdict)")
            note(execution, \.admitted)
        } catch let error as LedgerStoreError {
            note(execution, error.outcome == .unknown ? \.unknownAdmission : \.notAdmitted)
            return
        }
        guard settles else { return }
        let succeeds = execution.value.low.isMultiple(of: 3)
        let end = succeeds ? tenant.succeed(execution, cost: Credits(microcredits: 300_000)) : tenant.fail(execution)
        do {
            let settlement = try #require(try await store.submit(end).settlement)
            try #require(!settlement.isRepeat)
            state.withLock { $0.settled[execution] = settlement.execution.status }
        } catch let error as LedgerStoreError {
            note(execution, error.outcome == .unknown ? \.unknownSettlement : \.notSettled)
        }
    }

    /// Expects that the ledger knows of every run what its caller was told, and of each exactly once.
    func expectAgreement(
        with tenants: [Tenant],
        in store: LedgerStore,
        location: SourceLocation = #_sourceLocation
    ) async throws {
        var held: [ExecutionID: Int] = [:]
        var ended: [ExecutionID: [EventType]] = [:]
        var refused: [ExecutionID: Int] = [:]
        for tenant in tenants {
            for event in try await store.allEvents(of: tenant.account) {
                guard let execution = event.content.executionID else { continue }
                switch event.content.type {
                case .creditsHeld: held[execution, default: 0] += 1
                case .creditsRefused: refused[execution, default: 0] += 1
                case .executionSucceeded, .executionFailed: ended[execution, default: []].append(event.content.type)
                default: break
                }
            }
        }
        let told = told
        #expect(held.values.allSatisfy { $0 == 1 }, "a run was held twice", sourceLocation: location)
        #expect(refused.values.allSatisfy { $0 == 1 }, "a refusal was doubled", sourceLocation: location)
        #expect(ended.values.allSatisfy { $0.count == 1 }, "a run ended twice", sourceLocation: location)
        let heldRuns = Set(held.keys)
        #expect(told.admitted.isSubset(of: heldRuns), "an admission is missing", sourceLocation: location)
        #expect(heldRuns.isSubset(of: told.admitted.union(told.unknownAdmission)), sourceLocation: location)
        #expect(told.notAdmitted.isDisjoint(with: heldRuns), sourceLocation: location)
        #expect(told.refused.isSubset(of: Set(refused.keys)), "a refusal is missing", sourceLocation: location)
        for (execution, status) in told.settled {
            let expected: EventType = status == .succeeded ? .executionSucceeded : .executionFailed
            #expect(ended[execution] == [expected], "a settlement is missing", sourceLocation: location)
        }
        #expect(told.notSettled.isDisjoint(with: Set(ended.keys)), sourceLocation: location)
        let endedRuns = Set(ended.keys)
        #expect(endedRuns.isSubset(of: Set(told.settled.keys).union(told.unknownSettlement)), sourceLocation: location)
        let report = try await store.verify()
        #expect(report.openHolds == heldRuns.subtracting(endedRuns).count, sourceLocation: location)
    }
}
