public import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Registry

/// Sends filled-in request templates over one shared client, each exactly once.
struct ProviderTransport: Sendable {
    let client: HTTPClient
    /// The largest answer that is read, in bytes.
    let maximumAnswerBytes: Int

    /// Sends a request once and waits for the whole answer, at the latest until the deadline.
    func send(
        _ template: RequestTemplate,
        values: TemplateValues,
        deadline: ContinuousClock.Instant
    ) async -> Exchange {
        var remaining = ContinuousClock.now.duration(to: deadline)
        if let limit = template.timeoutMilliseconds { remaining = min(remaining, .milliseconds(limit)) }
        guard remaining > .zero, let request = Self.request(template, values: values) else { return .notSent }
        let collector = AnswerCollector(maximumBytes: maximumAnswerBytes)
        let task = client.execute(
            request: request,
            delegate: collector,
            eventLoop: .indifferent,
            deadline: .now() + TimeAmount(remaining)
        )
        do {
            let answer = try await withTaskCancellationHandler {
                try await task.futureResult.get()
            } onCancel: {
                task.cancel()
            }
            return .answered(answer)
        } catch {
            guard collector.hasSentHead else { return .notSent }
            return .lost(Self.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> Exchange.LossReason {
        if error is AnswerCollector.TooLarge { return .answerTooLarge }
        switch error as? HTTPClientError {
        case .deadlineExceeded?, .readTimeout?, .writeTimeout?: return .timedOut
        case .cancelled?: return .interrupted
        default: return .connectionLost
        }
    }

    private static func request(_ template: RequestTemplate, values: TemplateValues) -> HTTPClient.Request? {
        var headers = HTTPHeaders()
        for header in template.headers { headers.add(name: header.name, value: header.value.render(values)) }
        var body: HTTPClient.Body?
        if let json = template.body?.render(values) {
            if !headers.contains(name: "content-type") { headers.add(name: "content-type", value: "application/json") }
            body = .byteBuffer(ByteBuffer(bytes: json.canonicalBytes))
        }
        var url = template.url.render(values, percentEncoded: true)
        for (index, parameter) in template.query.filter({ $0.value.isComplete(values) }).enumerated() {
            url += "\(index == 0 ? "?" : "&")\(parameter.name)=\(parameter.value.render(values, percentEncoded: true))"
        }
        return try? HTTPClient.Request(
            url: url,
            method: HTTPMethod(rawValue: template.method.rawValue),
            headers: headers,
            body: body
        )
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
