public import Providers
public import Registry
public import Runs

extension ProviderCallbacks: CallbackVerifying {
    /// Whether a callback is the provider's, as far as it signs; see `verify(headers:body:provider:)`.
    public func proof(
        provider: ProviderBinding,
        headers: [(name: String, value: String)],
        body: [UInt8]
    ) async -> CallbackProof {
        // A header that comes twice counts once: vendors send each once.
        let values = Dictionary(headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
        return await verify(headers: values, body: body, provider: provider)
    }
}
