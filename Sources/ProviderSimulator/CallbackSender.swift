internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import ServiceLifecycle
internal import Synchronization

/// Delivers callbacks when they are due, as often as it takes.
final class CallbackSender: Service {
    /// The callbacks to come about one run, one after another, so that they keep their order.
    struct Delivery: Sendable {
        let url: String
        /// How often each is tried; every try but the first comes after a pause.
        let attempts: Int
        let steps: [Step]
        /// Called after each try that reached the wire.
        let sent: @Sendable () -> Void
    }

    /// One callback.
    struct Step: Sendable {
        /// How long there is to wait, in milliseconds.
        let delayMilliseconds: @Sendable () -> Int64
        /// What to send, decided when it is due; nil for nothing.
        let message: @Sendable () -> Message?
    }

    /// What is sent.
    struct Message: Sendable {
        let body: [UInt8]
        var headers: [(String, String)] = []
    }

    /// At most so many wait at a time; more are lost, as callbacks may be.
    static let maximumPending = 100_000
    /// How long a receiver may take.
    static let timeout = TimeAmount.seconds(15)

    private let stream: AsyncStream<Delivery>
    private let continuation: AsyncStream<Delivery>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maximumPending))
    }

    /// Puts a delivery in line.
    func schedule(_ delivery: Delivery) { continuation.yield(delivery) }

    func run() async throws {
        // Handlers that shut down take their time; deliveries that are under way end with the task.
        await withTaskGroup(of: Void.self) { group in
            var pending = 0
            for await delivery in stream.cancelOnGracefulShutdown() {
                while pending >= Self.maximumPending {
                    await group.next()
                    pending -= 1
                }
                pending += 1
                group.addTask { await Self.deliver(delivery) }
            }
            group.cancelAll()
        }
    }

    private static func deliver(_ delivery: Delivery) async {
        do {
            for step in delivery.steps {
                try await Task.sleep(for: .milliseconds(max(0, step.delayMilliseconds())))
                for attempt in 0..<delivery.attempts {
                    if attempt > 0 { try await Task.sleep(for: .milliseconds(250 << min(attempt, 6))) }
                    guard let message = step.message() else { break }
                    if await post(message, to: delivery.url, sent: delivery.sent) { break }
                }
            }
        } catch {
            // The simulator ends.
        }
    }

    /// Whether the receiver took it.
    private static func post(_ message: Message, to url: String, sent: @Sendable () -> Void) async -> Bool {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = HTTPHeaders([("content-type", "application/json")] + message.headers)
        request.body = .bytes(ByteBuffer(bytes: message.body))
        guard let response = try? await HTTPClient.shared.execute(request, timeout: timeout) else { return false }
        sent()
        _ = try? await response.body.collect(upTo: 1 << 16)
        return (200..<300).contains(response.status.code)
    }
}
