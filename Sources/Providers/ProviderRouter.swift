public import AsyncHTTPClient
internal import Registry
public import Runs

/// Hands each run to the adapter of its model's provider kind, over one shared HTTP client.
public struct ProviderRouter: ModelProvider {
    private let http: HTTPProvider
    private let polling: HTTPPollingProvider

    /// Makes a router.
    ///
    /// - Parameters:
    ///   - client: the client, made with `HTTPClient.Configuration.providers()`; whoever makes it shuts it down.
    ///   - maximumAnswerBytes: the largest answer that is read; a larger one ends the run as unresolved.
    public init(client: HTTPClient, maximumAnswerBytes: Int = 8 << 20) {
        let transport = ProviderTransport(client: client, maximumAnswerBytes: maximumAnswerBytes)
        self.http = HTTPProvider(transport: transport)
        self.polling = HTTPPollingProvider(transport: transport)
    }

    /// Has one run done; see `ModelProvider.run(_:submitted:)`.
    public func run(
        _ request: DispatchRequest,
        submitted: @escaping @Sendable (_ task: ProviderTask) async -> Void
    ) async -> DispatchOutcome {
        switch request.model.provider.kind {
        case .http: await http.run(request, submitted: submitted)
        case .httpPolling: await polling.run(request, submitted: submitted)
        }
    }

    /// Asks about work that was accepted before; see `ModelProvider.resume(_:_:)`.
    public func resume(_ request: DispatchRequest, _ task: ProviderTask) async -> DispatchOutcome {
        switch request.model.provider.kind {
        case .http: await http.resume(request, task)
        case .httpPolling: await polling.resume(request, task)
        }
    }

    /// Submits once and does not wait for the end; see `ModelProvider.submit(_:)`.
    public func submit(_ request: DispatchRequest) async -> SubmitOutcome {
        switch request.model.provider.kind {
        case .http: await http.submit(request)
        case .httpPolling: await polling.submit(request)
        }
    }

    /// Asks once; see `ModelProvider.poll(_:_:)`.
    public func poll(_ request: DispatchRequest, _ task: ProviderTask) async -> PollOutcome {
        switch request.model.provider.kind {
        case .http: await http.poll(request, task)
        case .httpPolling: await polling.poll(request, task)
        }
    }
}
