import Ledger
import LedgerStore
public import Providers
public import Registry
public import Runs

extension ProviderCallbacks: CallbackVerifying {
    /// Whether a callback is the provider's, or the provider signs none; see `verify(headers:body:provider:now:)`.
    public func isGenuine(
        provider: ProviderBinding,
        headers: [(name: String, value: String)],
        body: [UInt8]
    ) async -> Bool {
        // A header that comes twice counts once: vendors send each once.
        let values = Dictionary(headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
        let now = SystemClock.now().microseconds / 1_000_000
        return await verify(headers: values, body: body, provider: provider, now: now)
    }
}
