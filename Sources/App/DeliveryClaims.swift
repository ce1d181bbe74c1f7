import Ledger
import LedgerStore
import Runs

/// The claims on reports, in the ledger's database.
struct DeliveryClaims: ReportClaims {
    let store: LedgerStore

    func holders() async throws(LedgerFailure) -> Set<Int64> {
        do throws(LedgerStoreError) {
            return try await store.readDeliveryHolders()
        } catch {
            throw LedgerFailure(error)
        }
    }

    func free(_ instances: Set<Int64>, at now: Timestamp) async throws(LedgerFailure) {
        do throws(LedgerStoreError) {
            _ = try await store.freeDeliveries(instances: instances, at: now)
        } catch {
            throw LedgerFailure(error)
        }
    }
}
