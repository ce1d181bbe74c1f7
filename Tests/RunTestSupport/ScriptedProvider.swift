public import Ledger
import Registry
public import Runs
import Synchronization

/// A provider that records what it is asked to do, and answers as it is told.
public final class ScriptedProvider: ModelProvider {
    /// What a run leads to; may wait, and may call `submitted`.
    public typealias Script =
        @Sendable (
            _ request: DispatchRequest, _ submitted: @Sendable (String) async -> Void
        ) async -> DispatchOutcome

    private let received = Mutex<[DispatchRequest]>([])
    private let script: Mutex<Script>

    /// A provider that does every run at once, unless it is told otherwise.
    public init(_ script: @escaping Script = { _, _ in .done }) { self.script = Mutex(script) }

    /// What it was asked to do.
    public var requests: [DispatchRequest] { received.withLock { $0 } }

    /// Changes what runs lead to from now on.
    public func follow(_ script: @escaping Script) { self.script.withLock { $0 = script } }

    /// Records the run and answers by the script.
    public func run(
        _ request: DispatchRequest,
        submitted: @escaping @Sendable (_ task: ProviderTask) async -> Void
    ) async -> DispatchOutcome {
        received.withLock { $0.append(request) }
        return await script.withLock { $0 }(request) { id in await submitted(ProviderTask(id: id)) }
    }
}

extension DispatchOutcome {
    /// A run that delivered what was asked for.
    public static let done = delivered(units: nil)

    /// A run that delivered so many units.
    public static func delivered(units: Int64?) -> DispatchOutcome {
        .succeeded(
            DispatchSuccess(
                result: ["text": ["It is done."]],
                providerRequestID: "task_1",
                usage: DeliveredUsage(units: units, cost: nil),
                providerCost: MicroUSD(microdollars: 900)
            )
        )
    }
}

/// Keeps what an operator would be told.
public final class RecordingObserver: RunObserver {
    private let trace = Trace()

    /// Nothing told yet.
    public init() {}

    /// What was told, a word each.
    public var all: [String] { trace.all }

    /// Notes `delayed`.
    public func settlementDelayed(_ execution: ExecutionID, _ failure: LedgerFailure) { trace.note("delayed") }
    /// Notes `refused`.
    public func settlementRefused(_ execution: ExecutionID) { trace.note("refused") }
    /// Notes `abandoned`.
    public func foundAbandoned(_ execution: ExecutionID) { trace.note("abandoned") }
    /// Notes `work delayed`.
    public func workDelayed(_ failure: LedgerFailure) { trace.note("work delayed") }
    /// Notes `expired`.
    public func expired(_ execution: ExecutionID) { trace.note("expired") }
}
