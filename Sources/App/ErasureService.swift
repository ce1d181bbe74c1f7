import Ledger
import LedgerStore
import Logging
import ServiceLifecycle

/// Carries out erasures that were decided, whichever process decided them and whatever became of it: deletes rows, removes
/// files, and gives up keys that were destroyed elsewhere.
struct ErasureService: Service {
    /// The pause between two looks: for so long, another process may remember a key that was destroyed.
    static let interval = Duration.seconds(5)

    let store: LedgerStore
    let media: MediaStorage
    let logger: Logger

    func run() async throws {
        await repeatUntilShutdown(pausing: Self.interval) { await look() }
    }

    private func look() async {
        do throws(LedgerStoreError) {
            try await store.forgetDestroyedKeys()
            for erasure in try await store.openErasures() { await carryOut(erasure) }
        } catch {
            logger.warning("erasures can't be looked at now", metadata: ["error": "\(error)"])
        }
    }

    private func carryOut(_ erasure: Erasure) async {
        let account = erasure.account
        do {
            if erasure.rowsDoneAt == nil { try await store.eraseRows(of: account) }
            try await store.eraseFiles(of: account, media.erase)
            logger.notice("an account was erased", metadata: ["account": "\(account)"])
        } catch {
            logger.warning(
                "an account's erasure is tried again",
                metadata: ["account": "\(account)", "error": "\(error)"]
            )
        }
    }
}
