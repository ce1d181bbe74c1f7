import Ledger
import Registry

/// A dispatch's outcome, as the ledger is told it and as the caller is answered.
struct RunSettlement {
    /// What the ledger is told.
    let command: SettleRun
    private let outcome: DispatchOutcome

    init(_ outcome: DispatchOutcome, of dispatch: DispatchRequest, duration: Duration) {
        self.outcome = outcome
        let milliseconds = duration.wholeMilliseconds
        let recorded: RunOutcome
        let providerRequestID: String?
        switch outcome {
        case .succeeded(let success):
            providerRequestID = success.providerRequestID
            // A usage report that no amount can hold can't lower the price: the customer pays the quote at most.
            let cost =
                (try? dispatch.model.actualCost(dispatch.inputs, delivered: success.usage))
                ?? (try? dispatch.model.quote(dispatch.inputs).amount) ?? .zero
            recorded = .succeeded(
                cost: cost,
                providerCost: success.providerCost,
                resultDigest: Digest(bytes: success.result.canonicalDigest),
                durationMilliseconds: milliseconds
            )
        case .failed(let failure):
            providerRequestID = failure.providerRequestID
            let code = failure.failureClass.code
            recorded = .failed(code: code, durationMilliseconds: milliseconds)
        case .unresolved(let reason, let id):
            providerRequestID = id
            recorded = .unresolved(reason: reason.rawValue)
        }
        self.command = SettleRun(
            executionID: dispatch.executionID,
            outcome: recorded,
            providerRequestID: providerRequestID?.asProviderRequestID
        )
    }

    /// The answer once the outcome is durable; `settled` is nil when the ledger could not record it.
    func answer(_ settled: Execution?, _ admission: Admission, duration: Duration) -> RunAnswer {
        guard let settled else {
            // Not an answer that asks to try again: the work may have been done.
            return .failed(
                RunAnswer.Failure(
                    executionID: command.executionID,
                    message: "The run was dispatched, and its outcome could not be recorded yet",
                    isUnresolved: true,
                    window: admission.window
                )
            )
        }
        if case .succeeded(let success) = outcome, settled.status == .succeeded {
            return .succeeded(
                RunAnswer.Success(
                    executionID: settled.id,
                    result: success.result,
                    cost: settled.charged,
                    duration: duration,
                    window: admission.window
                )
            )
        }
        return .failed(
            RunAnswer.Failure(
                executionID: settled.id,
                message: message,
                isUnresolved: !settled.status.isEnd,
                window: admission.window
            )
        )
    }

    private var message: String {
        switch outcome {
        case .succeeded: "The run was given up before its result arrived"
        case .failed(let failure): failure.message
        case .unresolved:
            "The provider did not say how the run ended. Nothing is charged unless it turns out to have succeeded"
        }
    }
}

extension String {
    /// A provider's id as the log keeps it, whatever a provider sends: at most 200 characters, 800 bytes, and none that
    /// PostgreSQL or a terminal can't take.
    var asProviderRequestID: String {
        var kept = ""
        // Scalars, not characters: one character can be of any length.
        for scalar in unicodeScalars.prefix(200) {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            kept.unicodeScalars.append(isControl ? "?" : scalar)
        }
        return kept
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    public var wholeMilliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}

extension DispatchFailure.Class {
    /// The class as events name it.
    fileprivate var code: String {
        switch self {
        case .user: "INPUTS_REFUSED"
        case .provider: "PROVIDER_FAILED"
        case .us: "SERVICE_FAULT"
        case .cancelled: "CANCELLED"
        }
    }
}
