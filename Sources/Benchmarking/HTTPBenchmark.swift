import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Runs a model over HTTP as often as the service lets it, from a fixed number of callers.
public struct HTTPBenchmark: Sendable {
    /// The address of the run endpoint.
    public let url: String
    /// The key to run with.
    public let key: String
    /// The body of each request.
    public let body: String
    /// How many requests are under way at any time.
    public let concurrency: Int
    /// How long to run.
    public let duration: Duration
    /// The status of an answer that counts.
    private let expected: HTTPResponseStatus

    /// Makes a benchmark; `isAsync` when the answer to expect is 202.
    public init(url: String, key: String, body: String, concurrency: Int, duration: Duration, isAsync: Bool = false) {
        self.expected = isAsync ? .accepted : .ok
        self.url = url
        self.key = key
        self.body = body
        self.concurrency = concurrency
        self.duration = duration
    }

    /// What was measured.
    public struct Report: Sendable {
        /// Answers with the status expected.
        public var runs = 0
        /// Other answers, which there should be none of.
        public var failures = 0
        /// How long it took, in seconds.
        public var seconds = 0.0
        /// From a request to its whole answer.
        public var latency = LatencyRecorder()
        /// Runs per second.
        public var runsPerSecond: Double { Double(runs) / seconds }
    }

    /// Runs the load and measures it.
    public func run() async throws -> Report {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = concurrency
        configuration.httpVersion = .http1Only
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let started = ContinuousClock.now
        let end = started.advanced(by: duration)
        do {
            var report = try await withThrowingTaskGroup(of: Report.self) { group in
                for _ in 0..<concurrency { group.addTask { try await call(client, until: end) } }
                return try await group.reduce(into: Report()) { total, part in
                    total.runs += part.runs
                    total.failures += part.failures
                    total.latency.merge(part.latency)
                }
            }
            report.seconds = started.duration(to: .now).inSeconds
            try await client.shutdown()
            return report
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private func call(_ client: HTTPClient, until end: ContinuousClock.Instant) async throws -> Report {
        var report = Report()
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "x-api-key", value: key)
        request.headers.add(name: "content-type", value: "application/json")
        while ContinuousClock.now < end {
            request.body = .bytes(ByteBuffer(string: body))
            let started = ContinuousClock.now
            let response = try await client.execute(request, timeout: .seconds(30))
            _ = try await response.body.collect(upTo: 1 << 20)
            if response.status == expected {
                report.runs += 1
                report.latency.record(started.duration(to: .now))
            } else {
                report.failures += 1
            }
        }
        return report
    }
}
