import Ledger
import Registry
import RunTestSupport
import Runs

/// The use case with a ledger in memory and a provider that follows a script.
struct RunBench: Sendable {
    let ledger = InMemoryLedger()
    let provider: ScriptedProvider
    let observer = RecordingObserver()
    let account: SampleAccount
    let service: RunService

    init(
        tier: Tier = .business,
        credits: String = "1000",
        instance: Int64 = 7,
        provider script: @escaping ScriptedProvider.Script = { _, _ in .done }
    ) throws {
        let ledger = ledger
        self.provider = ScriptedProvider(script)
        self.account = SampleAccount(in: ledger, tier: tier, credits: credits)
        self.service = RunService(
            ledger: ledger,
            provider: provider,
            registry: try sampleRegistry(),
            instance: instance,
            clock: { ledger.now },
            observer: observer
        )
    }

    var state: LedgerState { ledger.state(of: account.id) }
    var available: Credits { state.account?.available ?? .zero }

    /// The account's runs.
    var executions: [Execution] { Array(state.executions.values) }

    /// The commands that were carried out for runs, by name.
    var runCommands: [String] { ledger.commands.map(\.name).filter { $0 != "administer" } }

    func run(
        _ slug: String = "echo",
        _ body: String = #"{"inputs":{"prompt":"hi"}}"#,
        isAsync: Bool = false
    ) async -> RunAnswer {
        await service.run(
            RunRequest(
                id: RequestID(Identifier128(high: 9, low: 9)),
                identity: account.identity,
                slug: slug,
                body: Array(body.utf8),
                isAsync: isAsync,
                receivedAt: .now
            )
        )
    }
}

extension RunAnswer {
    /// The answer in a few words.
    var summary: String {
        switch self {
        case .succeeded(let success): "succeeded for \(success.cost)"
        case .accepted: "accepted"
        case .refused(let refusal, _, _): "refused \(refusal.code)"
        case .invalidWorkflow: "refused INVALID_WORKFLOW"
        case .failed(let failure): failure.isUnresolved ? "unresolved" : "failed"
        case .recorded(let answer, _): "recorded \(answer.status)"
        case .inFlight: "in flight"
        case .unavailable(.overloaded): "overloaded"
        case .unavailable(.unavailable): "unavailable"
        }
    }
}

/// Returns once something holds; traps after 120 seconds, so that a test that would hang ends.
func eventually(_ condition: () -> Bool) async {
    let end = ContinuousClock.now + .seconds(120)
    while !condition() {
        precondition(ContinuousClock.now < end, "it did not come to pass")
        try? await Task.sleep(for: .milliseconds(2))
    }
}

/// Long enough for work that should not happen to happen.
func settle() async { try? await Task.sleep(for: .milliseconds(30)) }
