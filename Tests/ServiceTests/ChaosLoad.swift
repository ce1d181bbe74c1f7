import Foundation
import Registry
import Synchronization
import TestSupport
import Testing

/// Runs over every model, in an order and of kinds that a seed decides.
struct ChaosCalls: Sendable {
    struct Order: Sendable {
        let model: String
        let isAsync: Bool
        let customer: Int
        let body: String
        /// How long after its acceptance the run is cancelled; nil for most.
        let cancelledAfter: Duration?
    }

    let orders: [Order]

    /// What each model needs, and whether it can be run without waiting.
    private static let models: [String: (canAsync: Bool, inputs: JSONValue)] = [
        "claude-sonnet": (false, ["prompt": "hi"]), "flux-1-1-pro": (true, ["prompt": "hi"]),
        "gemini-3-1-flash-lite": (false, ["prompt": "hi"]), "gpt-5-4-mini": (false, ["prompt": "hi"]),
        "gpt-image-2": (true, ["prompt": "hi"]), "gpt-image-2-direct": (false, ["prompt": "hi", "n": 2]),
        "kling-2-5-turbo-pro": (true, ["prompt": "hi"]),
        "kling-o3-ref2v": (false, ["prompt": "hi", "image_urls": ["https://example.com/1.png"]]),
        "kling-v3-i2v": (false, ["prompt": "hi", "start_image_url": "https://example.com/1.png"]),
        "kling-v3-motion": (
            false,
            [
                "image_url": "https://example.com/1.png", "video_url": "https://example.com/1.mp4",
                "character_orientation": "image",
            ]
        ), "nano-banana-2": (false, ["prompt": "hi", "num_images": 2]), "draft-image": (false, ["prompt": "hi"]),
        "seedance-2-0": (true, ["prompt": "hi"]),
        "seedance-2-0-fast": (true, ["prompt": "hi"]), "seedance-2-0-full-access": (true, ["prompt": "hi"]),
        "seedream-v5": (false, ["prompt": "hi", "num_images": 2]), "studio-preview": (true, ["prompt": "hi"]),
        "suno-v5": (true, ["prompt": "hi"]),
    ]

    init(count: Int, seed: inout Seed) throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(Program.sources)/models")
        let names = files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
        try #require(names == Self.models.keys.sorted(), "the models that are shipped are not those that are run")
        var orders: [Order] = []
        for number in 0..<count {
            let name = names[number % names.count]
            let model = try #require(Self.models[name])
            let body: JSONValue = ["inputs": model.inputs]
            let isAsync = model.canAsync && Int.random(in: 0..<5, using: &seed) > 0
            // One of twenty, at any moment from its acceptance to well after its end. Of those whose provider can give up
            // work that it has begun, every second, soon enough for that.
            let isInTime = name == "flux-1-1-pro"
            let milliseconds = Int.random(in: 0..<(isInTime ? 100 : 1_000), using: &seed)
            let isCancelled = Int.random(in: 0..<(isInTime ? 2 : 20), using: &seed) == 0 && isAsync
            orders.append(
                Order(
                    model: name,
                    isAsync: isAsync,
                    customer: Int.random(in: 0..<4, using: &seed),
                    body: body.description,
                    cancelledAfter: isCancelled ? .milliseconds(milliseconds) : nil
                )
            )
        }
        self.orders = orders.shuffled(using: &seed)
    }
}

/// Callers that send each run until it is answered for good, each time to another service.
final class ChaosLoad: Sendable {
    /// A run's last answer.
    struct Reply: Sendable {
        let order: ChaosCalls.Order
        let answer: Answer
    }

    private let stack: Stack
    private let urls: [String]
    private let customers: [Customer]
    private let calls: ChaosCalls
    private let next = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)
    private let replies = Mutex<[Reply]>([])

    init(stack: Stack, urls: [String], customers: [Customer], calls: ChaosCalls) {
        self.stack = stack
        self.urls = urls
        self.customers = customers
        self.calls = calls
    }

    var answers: [Reply] { replies.withLock { $0 } }
    var answeredCount: Int { replies.withLock(\.count) }
    /// Requests that no answer came to, each of which may have begun a run.
    var lostCount: Int { lost.load(ordering: .relaxed) }

    func run(callers: Int) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<callers { group.addTask { await self.work() } }
        }
    }

    private func work() async {
        while true {
            let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard number < calls.orders.count else { return }
            await send(calls.orders[number], first: number)
        }
    }

    private func send(_ order: ChaosCalls.Order, first: Int) async {
        var call = Call(customer: customers[order.customer], model: order.model)
        call.body = order.body
        call.isAsync = order.isAsync
        var attempt = first
        while true {
            switch await stack.send(call, to: urls[attempt % urls.count]) {
            case .answered(let answer) where answer.status != 503:
                replies.withLock { $0.append(Reply(order: order, answer: answer)) }
                if let pause = order.cancelledAfter, let id = answer.body["executionId"]?.stringValue {
                    try? await Task.sleep(for: pause)
                    await cancel(id, customers[order.customer], first: attempt)
                }
                return
            case .answered: break
            case .lost: lost.wrappingAdd(1, ordering: .relaxed)
            }
            attempt += 1
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Asks for a run's end until somebody answers for good; repeating it is harmless.
    private func cancel(_ id: String, _ customer: Customer, first: Int) async {
        for attempt in first..<first + 1_200 {
            let status = await stack.cancel(id, of: customer, at: urls[attempt % urls.count])
            if let status, status != 503 {
                #expect([200, 202, 409].contains(status), "\(id) \(status)")
                return
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("nobody answered the wish to cancel \(id)")
    }
}
