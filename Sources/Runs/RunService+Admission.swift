import Ledger
import Traces

extension RunService {
    /// Asks the ledger to admit a run.
    func admit(_ command: Command, _ run: AdmitRun) async throws(LedgerFailure) -> Verdict {
        guard let span = spans.begin("admission") else { return try await ledger.decide(command) }
        defer { span.end() }
        span.set([
            "runledger.execution.id": .text("\(run.executionID)"), "runledger.model": run.model.map { .text($0) },
        ])
        let result = await TraceContext.$current.withValue(span.trace) { () async -> Result<Verdict, LedgerFailure> in
            do throws(LedgerFailure) { return .success(try await ledger.decide(command)) } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(.admitted): span.set(["runledger.decision": "ADMITTED"])
        case .success(.refused(let refusal, _)): span.set(["runledger.decision": .text(refusal.code)])
        case .success: break
        case .failure: span.fail("unavailable")
        }
        return try result.get()
    }
}
