import Ledger
import Traces

extension RunService {
    /// Asks the ledger to admit a run: of a model, of a workflow, or of one of a workflow's nodes.
    func admit(_ run: AdmitRun, for request: RunRequest) async throws(LedgerFailure) -> Verdict {
        let command = command(request, .admitRun(run), idempotency: keyed(request)?.request)
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
