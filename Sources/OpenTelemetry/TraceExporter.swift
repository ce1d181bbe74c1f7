import AsyncHTTPClient
public import Logging
import NIOCore
import NIOHTTP1
public import ServiceLifecycle

/// Someone who counts spans: a metric.
public protocol SpanObserver: Sendable {
    /// Something became of spans.
    func spans(_ count: Int, became fate: SpanFate)
}

/// What became of a span that had ended.
public enum SpanFate: String, Hashable, Sendable, CaseIterable {
    /// The collector took it.
    case exported
    /// The queue was full.
    case dropped
    /// The collector did not take it.
    case failed
}

/// Sends spans to a collector by OTLP over HTTP, a batch a second or as fast as it takes them.
///
/// Told to stop, it sends what waits, and gives up at the first export that fails.
public struct TraceExporter: Service {
    private let settings: TraceSettings
    private let queue: SpanQueue
    private let observer: any SpanObserver
    private let logger: Logger
    /// Spans of one export at most.
    private static let batch = 512

    /// Makes an exporter.
    public init(settings: TraceSettings, queue: SpanQueue, observer: any SpanObserver, logger: Logger) {
        self.settings = settings
        self.queue = queue
        self.observer = observer
        self.logger = logger
    }

    /// Exports until the process is told to stop.
    public func run() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let unsent = await cancelWhenGracefulShutdown {
            var unsent: [EndedSpan] = []
            while !Task.isCancelled {
                unsent = await exportAll(by: client, patience: 3)
                try? await Task.sleep(for: .seconds(1))
            }
            return unsent
        }
        // In a task of its own, which nothing cancels: the last spans are those of the shutdown, and those that were
        // waiting for the collector when it began.
        await Task { _ = await exportAll(by: client, patience: 2, beginningWith: unsent) }.value
        try? await client.shutdown()
    }

    /// Exports until nothing waits.
    ///
    /// - Returns: what a shutdown has interrupted.
    private func exportAll(
        by client: HTTPClient,
        patience: Int,
        beginningWith first: [EndedSpan] = []
    ) async -> [EndedSpan] {
        var waiting = first
        while true {
            if waiting.isEmpty {
                let (taken, dropped) = queue.take(Self.batch)
                if dropped > 0 { observer.spans(dropped, became: .dropped) }
                waiting = taken
            }
            guard !waiting.isEmpty else { return [] }
            let spans = waiting
            waiting = []
            let isTaken = await export(spans, by: client, patience: patience)
            if !isTaken, Task.isCancelled { return spans }
            observer.spans(spans.count, became: isTaken ? .exported : .failed)
            // A collector that takes none is left alone for a moment; the queue drops what it can't hold.
            if !isTaken { return [] }
        }
    }

    /// Sends spans, and again after a pause where the collector says that it may take them then.
    private func export(_ spans: [EndedSpan], by client: HTTPClient, patience: Int) async -> Bool {
        var request = HTTPClientRequest(url: settings.url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-protobuf")
        request.headers.add(name: "user-agent", value: "runledger")
        for header in settings.headers { request.headers.replaceOrAdd(name: header.name, value: header.value) }
        let resource = settings.resource.map { (name: $0.name, value: $0.value) }
        request.body = .bytes(ByteBuffer(bytes: ExportRequest.bytes(spans, resource: resource)))
        var problem = ""
        for attempt in 1...patience {
            do {
                let response = try await client.execute(request, timeout: .milliseconds(settings.timeoutMilliseconds))
                for try await _ in response.body {}
                if (200..<300).contains(response.status.code) { return true }
                problem = "\(response.status.code)"
                guard [429, 502, 503, 504].contains(response.status.code) else { break }
            } catch {
                problem = "\(error)"
            }
            if Task.isCancelled { return false }
            if attempt < patience { try? await Task.sleep(for: .seconds(attempt)) }
        }
        logger.warning("spans can't be exported", metadata: ["spans": "\(spans.count)", "error": "\(problem)"])
        return false
    }
}
