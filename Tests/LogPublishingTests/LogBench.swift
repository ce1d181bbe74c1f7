import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import LogFiles
import LogPublishing
import TestSupport
import Testing
import TransparencyLog

/// A history, and where its logs are to be.
struct LogBench: Sendable {
    static let signer = NoteSigner(name: "ledger.example", kind: .log, seed: Array(1...32))!

    let store: LedgerStore
    let clock: TestClock
    let folder: String

    var files: LogFolder { LogFolder(folder) }

    func logs(_ storage: (any LogStorage)? = nil, _ witnesses: WitnessCircle? = nil) -> LedgerLogSet {
        LedgerLogSet(store: store, storage: storage ?? files, signer: Self.signer, witnesses: witnesses)
    }

    func publish(_ logs: LedgerLogSet? = nil) async throws -> [(log: LogID, error: any Error)] {
        try await LedgerPublisher(logs: logs ?? self.logs()).publish(all: true)
    }

    func grow(_ count: Int = 1) async throws {
        for _ in 0..<count { _ = try await History.make(in: store, clock: clock) }
    }

    func audit(_ policy: WitnessPolicy = WitnessPolicy()) async throws -> LogAuditReport {
        try await LogAudit(files, key: Self.signer.verifier, policy: policy).run()
    }

    static func with(_ body: @Sendable (LogBench) async throws -> Void) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withTemporaryFolder { folder in
            try await withStore(settings) { store in
                try await body(LogBench(store: store, clock: clock, folder: "\(folder)/log"))
            }
        }
    }

    /// A run with every kind of event that one can have on its way to a debit, while another run of the account goes on.
    func wholeRun() async throws -> (account: AccountID, execution: ExecutionID) {
        let tenant = try await Tenant.open(in: store, tier: .business, credits: Credits(whole: 20))
        let (execution, other) = (tenant.newExecution(), tenant.newExecution())
        _ = try await store.submit(tenant.admit(execution, quote: Credits(whole: 3)))
        _ = try await store.submit(tenant.admit(other, quote: Credits(whole: 2)))
        clock.advance(seconds: 3)
        let submission = RecordSubmission(executionID: execution, providerRequestID: "job")
        _ = try await store.submit(tenant.command(.recordSubmission(submission)))
        _ = try await store.submit(tenant.succeed(other, cost: Credits(whole: 1)))
        clock.advance(seconds: 3)
        _ = try await store.submit(tenant.succeed(execution, cost: Credits(whole: 1)))
        _ = try await store.submit(tenant.admit(quote: Credits(whole: 1)))
        return (tenant.account, execution)
    }

    /// The account and the id of a run that was charged, the latest one.
    static func chargedRun() async throws -> (account: AccountID, execution: ExecutionID) {
        let line = try await psql(
            "SELECT account_id, execution_id FROM ledger.events WHERE type = 'credits.debited' ORDER BY recorded_at DESC LIMIT 1"
        ).split(separator: "\t")
        return (
            try #require(AccountID(text: line[0])), try #require(ExecutionID(text: line[1]))
        )
    }
}

/// The files as everybody may read them.
struct OpenFiles: LogReading {
    let files: LogFolder

    func read(_ path: String) async throws -> [UInt8]? {
        if LogPaths.kind(of: path) == .entries { throw LogAccessRefused(path: path) }
        return try await files.read(path)
    }
}
