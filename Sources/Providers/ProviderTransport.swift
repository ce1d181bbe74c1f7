public import AsyncHTTPClient
internal import Ledger
internal import NIOCore
internal import NIOHTTP1
internal import Registry
internal import Runs

/// Sends filled-in request templates over one shared client, each exactly once.
struct ProviderTransport: Sendable {
    let client: HTTPClient
    /// The largest answer that is read, in bytes, whatever a definition allows; nil for what it allows.
    let maximumAnswerBytes: Int?
    /// The wall clock, in seconds since 1970, for signed tokens.
    let unixSeconds: @Sendable () -> Int64

    /// Sends a request once and waits for the whole answer, at the latest until the deadline.
    ///
    /// - Parameters:
    ///   - template: the request.
    ///   - request: the run that it is for.
    ///   - task: the work, once there is some.
    ///   - events: takes the bytes of an answer that is a stream of events, as they come.
    func send(
        _ template: RequestTemplate,
        for request: DispatchRequest,
        _ task: ProviderTask? = nil,
        events: (@Sendable (ByteBuffer) -> Void)? = nil
    ) async -> Exchange {
        var remaining = ContinuousClock.now.duration(to: request.deadline)
        if let limit = template.timeoutMilliseconds { remaining = min(remaining, .milliseconds(limit)) }
        guard let built = built(template, for: request, task) else { return .noAddress }
        guard remaining > .zero else { return .notSent }
        let collector = AnswerCollector(
            maximumBytes: min(maximumAnswerBytes ?? .max, request.model.provider.limits.maximumAnswerBytes),
            idleTimeout: template.idleTimeoutMilliseconds.map { .milliseconds($0) },
            events: events
        )
        let exchange = client.execute(
            request: built,
            delegate: collector,
            eventLoop: .indifferent,
            deadline: .now() + TimeAmount(remaining)
        )
        do {
            let answer = try await withTaskCancellationHandler {
                try await exchange.futureResult.get()
            } onCancel: {
                exchange.cancel()
            }
            return .answered(answer)
        } catch {
            guard collector.hasSentHead else { return .notSent }
            return .lost(Self.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> Exchange.LossReason {
        if error is AnswerCollector.TooLarge { return .answerTooLarge }
        if error is AnswerCollector.Silent { return .timedOut }
        switch error as? HTTPClientError {
        case .deadlineExceeded?, .readTimeout?, .writeTimeout?: return .timedOut
        case .cancelled?: return .interrupted
        default: return .connectionLost
        }
    }

    private func built(
        _ template: RequestTemplate,
        for request: DispatchRequest,
        _ task: ProviderTask?
    ) -> HTTPClient.Request? {
        let provider = request.model.provider
        let values = TemplateValues(
            inputs: request.inputs,
            executionID: request.executionID.description,
            providerRequestID: task?.id,
            callbackURL: request.callbackURL
        )
        guard var url = Self.address(template, values: values, task) else { return nil }
        // A link is the provider's word, and the key goes along: nowhere but to the host it belongs to.
        guard ProviderOrigin(url: url) == provider.origin else { return nil }
        var separator = url.contains("?") ? "&" : "?"
        for parameter in template.query where parameter.value.isComplete(values) {
            url += "\(separator)\(parameter.name)=\(parameter.value.render(values, percentEncoded: true))"
            separator = "&"
        }
        var headers = HTTPHeaders()
        for header in template.headers where header.value.isComplete(values) {
            headers.add(name: header.name, value: header.value.render(values))
        }
        if let token = provider.token {
            headers.replaceOrAdd(name: "authorization", value: "Bearer \(token.signed(at: unixSeconds()))")
        }
        if let trace = TraceContext.current?.child() {
            headers.replaceOrAdd(name: "traceparent", value: trace.traceparent)
            if let state = trace.state { headers.replaceOrAdd(name: "tracestate", value: state) }
        }
        var body: HTTPClient.Body?
        if let json = template.body?.render(values) {
            if !headers.contains(name: "content-type") { headers.add(name: "content-type", value: "application/json") }
            body = .byteBuffer(ByteBuffer(bytes: json.canonicalBytes))
        }
        return try? HTTPClient.Request(
            url: url,
            method: HTTPMethod(rawValue: template.method.rawValue),
            headers: headers,
            body: body
        )
    }

    private static func address(
        _ template: RequestTemplate,
        values: TemplateValues,
        _ task: ProviderTask?
    ) -> String? {
        if let link = template.link { return task?.links[link] }
        return template.url.render(values, percentEncoded: true)
    }
}

extension HTTPClient.Configuration {
    /// What provider calls need: no redirects, because a redirected submit would be a second submit; no retries; and
    /// enough connections that runs do not wait for each other.
    ///
    /// - Parameter maximumConnections: connections per provider host.
    public static func providers(maximumConnections: Int = 1_024) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        // Shorter than servers usually keep idle connections: a request on a connection that the server closes at the
        // same moment would end as unresolved.
        configuration.connectionPool.idleTimeout = .seconds(20)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = maximumConnections
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }
}
