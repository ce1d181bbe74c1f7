import Ledger
import RunTestSupport
import Runs
import Synchronization
import Testing

@Suite("The last use of keys")
struct KeyUseTests {
    /// Keeps uses in memory, and fails as often as it is told.
    private final class Store: KeyUseStore {
        private let state = Mutex<(kept: [[KeyID: Timestamp]], failures: Int)>(([], 0))
        var kept: [[KeyID: Timestamp]] { state.withLock(\.kept) }

        func fail(times: Int) { state.withLock { $0.failures = times } }

        func keepUses(_ uses: [KeyID: Timestamp]) async throws(LedgerFailure) {
            try state.withLock { state throws(LedgerFailure) in
                guard state.failures == 0 else {
                    state.failures -= 1
                    throw .overloaded
                }
                state.kept.append(uses)
            }
        }
    }

    @Test("uses are kept in one go, the latest of each key, and nothing is written for a request")
    func batched() async throws {
        let ledger = InMemoryLedger()
        let accounts = [SampleAccount(in: ledger), SampleAccount(in: ledger)]
        let store = Store()
        let log = KeyUseLog(store: store, clock: { ledger.now })
        let authenticator = KeyAuthenticator(ledger: ledger, uses: log)
        for _ in 0..<50 {
            for account in accounts { #expect(try await authenticator.authenticate(account.secret.text) != nil) }
            ledger.now = ledger.now.adding(seconds: 1)
        }
        #expect(store.kept.isEmpty)
        #expect(try await log.flush() == 2)
        let last = ledger.now.adding(seconds: -1)
        #expect(store.kept == [[accounts[0].secret.keyID: last, accounts[1].secret.keyID: last]])
        #expect(try await log.flush() == 0)
        #expect(store.kept.count == 1)
    }

    @Test("what could not be kept is kept by the next flush, unless the key was used again")
    func again() async throws {
        let ledger = InMemoryLedger()
        let accounts = [SampleAccount(in: ledger), SampleAccount(in: ledger)]
        let store = Store()
        let log = KeyUseLog(store: store, clock: { ledger.now })
        let authenticator = KeyAuthenticator(ledger: ledger, uses: log)
        let first = ledger.now
        for account in accounts { _ = try await authenticator.authenticate(account.secret.text) }
        store.fail(times: 1)
        await #expect(throws: LedgerFailure.overloaded) { try await log.flush() }
        ledger.now = ledger.now.adding(seconds: 3)
        _ = try await authenticator.authenticate(accounts[1].secret.text)
        #expect(try await log.flush() == 2)
        #expect(store.kept == [[accounts[0].secret.keyID: first, accounts[1].secret.keyID: first.adding(seconds: 3)]])
    }

    @Test("a key that is refused was not used, and no more keys are noted than there is room for")
    func bounded() async throws {
        let ledger = InMemoryLedger()
        let store = Store()
        let log = KeyUseLog(store: store, clock: { ledger.now }, capacity: 2)
        let authenticator = KeyAuthenticator(ledger: ledger, uses: log)
        let revoked = SampleAccount(in: ledger)
        ledger.administer(.revokeKey(revoked.secret.keyID), of: revoked.id)
        #expect(try await authenticator.authenticate(revoked.secret.text) == nil)
        #expect(try await authenticator.authenticate("knouds_live_x") == nil)
        #expect(try await log.flush() == 0)
        for _ in 0..<3 { _ = try await authenticator.authenticate(SampleAccount(in: ledger).secret.text) }
        #expect(try await log.flush() == 2)
    }

    @Test(
        "only what looks like a key of an earlier time is one",
        arguments: [
            ("knouds_live_" + String(repeating: "a", count: 32), true),
            ("knouds_" + String(repeating: "f", count: 64), true),
            ("knouds_test_" + String(repeating: "0", count: 65), true),
            ("knouds_live_" + String(repeating: "-", count: 65), true),
            ("knouds_live_" + String(repeating: "0", count: 65), false),
            ("knouds_live_" + String(repeating: "z", count: 65), false), ("knouds_live_x", false), ("knouds_", false),
            ("knouds_" + String(repeating: "a", count: 129), false),
            ("knouds_live_" + String(repeating: "é", count: 20), false),
            ("other_live_" + String(repeating: "a", count: 32), false), ("", false),
        ]
    )
    func retiredForm(text: String, isRetired: Bool) { #expect(APIKeySecret.isRetiredForm(text) == isRetired) }
}
