public import Testing

/// Lets few tests run at a time: each has clients with several connections, and servers take a hundred.
public struct GateTrait: TestTrait, SuiteTrait, TestScoping {
    /// Each test of a suite goes through the gate by itself.
    public var isRecursive: Bool { true }

    /// Runs one test once there is room for it.
    @concurrent public func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        await Gate.shared.enter()
        do {
            try await function()
            await Gate.shared.leave()
        } catch {
            await Gate.shared.leave()
            throw error
        }
    }
}

extension Trait where Self == GateTrait {
    /// At most four tests with this trait run at a time.
    public static var gated: Self { GateTrait() }
}

private actor Gate {
    static let shared = Gate()
    private var room = 4
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        if room > 0 {
            room -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty { room += 1 } else { waiting.removeFirst().resume() }
    }
}
