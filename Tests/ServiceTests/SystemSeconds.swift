import Ledger
import LedgerStore

/// The wall clock in whole seconds.
enum SystemSeconds {
    static var now: Int64 { SystemClock.now().microseconds / 1_000_000 }
}
