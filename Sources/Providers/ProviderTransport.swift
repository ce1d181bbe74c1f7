public import AsyncHTTPClient
internal import Ledger
internal import NIOCore
internal import NIOHTTP1
internal import Registry
internal import Runs
internal import Traces

/// Sends filled-in request templates over one shared client, each exactly once.
struct ProviderTransport: Sendable {
    let client: HTTPClient
    /// The largest answer that is read, in bytes, whatever a definition allows; nil for what it allows.
    let maximumAnswerBytes: Int?
    /// Records requests.
    let spans: Spans
    /// The wall clock, in seconds since 1970, for signed tokens.
    let unixSeconds: @Sendable () -> Int64

    /// Sends a request once and waits for the whole answer, at the latest until the deadline.
    ///
    /// - Parameters:
    ///   - template: the request.
    ///   - purpose: what it is sent for.
    ///   - request: the run that it is for.
    ///   - task: the work, once there is some.
    ///   - events: takes the bytes of an answer that is a stream of events, as they come.
    func send(
        _ template: RequestTemplate,
        to purpose: RequestPurpose,
        for request: DispatchRequest,
        _ task: ProviderTask? = nil,
        events: (@Sendable (ByteBuffer) -> Void)? = nil
    ) async -> Exchange {
        var remaining = ContinuousClock.now.duration(to: request.deadline)
        if let limit = template.timeoutMilliseconds { remaining = min(remaining, .milliseconds(limit)) }
        guard var built = built(template, for: request, task) else { return .noAddress }
        guard remaining > .zero else { return .notSent }
        let span = spans.begin("\(purpose.rawValue) \(request.model.provider.name)", .request)
        built.add(span?.trace ?? TraceContext.current?.child())
        let exchange = await exchange(built, template, request, within: remaining, events: events)
        span?.end(built, exchange, of: request)
        return exchange
    }

    private func exchange(
        _ built: HTTPClient.Request,
        _ template: RequestTemplate,
        _ request: DispatchRequest,
        within remaining: Duration,
        events: (@Sendable (ByteBuffer) -> Void)?
    ) async -> Exchange {
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

/// What a request to a provider is sent for, as its span is called.
enum RequestPurpose: String {
    case submit, poll, fetch, cancel
    case lookUp = "look up"
}

extension HTTPClient.Request {
    /// Says which trace the request belongs to, and which span it is.
    fileprivate mutating func add(_ trace: TraceContext?) {
        for header in trace?.headers ?? [] { headers.replaceOrAdd(name: header.name, value: header.value) }
    }
}

extension OpenSpan {
    /// Ends the span of a request to a provider. It names the host, never the path: that may hold an id or a key.
    fileprivate func end(_ built: HTTPClient.Request, _ exchange: Exchange, of request: DispatchRequest) {
        var status: Int?
        switch exchange {
        case .answered(let answer):
            status = Int(answer.status)
            if answer.status >= 400 { fail("\(answer.status)") }
        case .lost(let reason): fail("\(reason)")
        case .notSent, .noAddress: fail("not_sent")
        }
        set([
            "http.request.method": .text(built.method.rawValue), "server.address": .text(built.host),
            "server.port": .number(Int64(built.port)),
            "http.response.status_code": status.map { .number(Int64($0)) },
            "runledger.provider": .text(request.model.provider.name),
            "runledger.model": .text(request.model.internalName),
            "runledger.execution.id": .text("\(request.executionID)"),
        ])
        end()
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
