import Ledger
import Registry

/// How a run stands when its dispatch is over.
enum RunEnding: Hashable, Sendable {
    case ended(RunEnd)
    /// Only a reconciler can find out.
    case unresolved(UnresolvedReason, providerRequestID: String?)
}

extension SettleRun {
    /// What the ledger is told of a run that has ended.
    init(
        _ end: RunEnd,
        of executionID: ExecutionID,
        milliseconds: Int64,
        providerRequestID known: String?,
        task: TaskEnd
    ) {
        let outcome: RunOutcome
        switch end {
        case .succeeded(let result):
            outcome = .succeeded(
                cost: result.cost,
                providerCost: result.providerCost,
                resultDigest: Digest(bytes: result.result.canonicalDigest),
                durationMilliseconds: milliseconds
            )
        case .cancelled: outcome = .cancelled(durationMilliseconds: milliseconds)
        case .failed, .mediaRefused, .mediaUnavailable:
            outcome = .failed(code: end.code ?? "PROVIDER_FAILED", durationMilliseconds: milliseconds)
        }
        self.init(
            executionID: executionID,
            outcome: outcome,
            providerRequestID: (end.providerRequestID ?? known)?.asProviderRequestID,
            usage: end.usage,
            report: RunReport(
                result: end.result?.description,
                errorMessage: end.message?.replacing("\0", with: "?"),
                milliseconds: max(0, milliseconds)
            ),
            task: task
        )
    }
}

extension RunEnd {
    /// The code that events, and whoever asks about the run, see; nil for a success.
    var code: String? {
        switch self {
        case .succeeded: nil
        case .failed(let failure): failure.failureClass.code
        case .mediaRefused: "MEDIA_REFUSED"
        case .mediaUnavailable: "MEDIA_UNAVAILABLE"
        case .cancelled: "CANCELLED"
        }
    }

    /// Why there is no result, for the customer.
    var message: String? {
        switch self {
        case .succeeded: nil
        case .failed(let failure): failure.message
        case .mediaRefused: "The provider's result has media that can't be stored"
        case .mediaUnavailable: "The media of the provider's result could not be stored in time"
        case .cancelled: "The run was cancelled"
        }
    }

    var result: JSONValue? {
        guard case .succeeded(let result) = self else { return nil }
        return result.result
    }

    fileprivate var usage: [String: Int64] {
        guard case .succeeded(let result) = self else { return [:] }
        return result.usage
    }

    fileprivate var providerRequestID: String? {
        switch self {
        case .succeeded(let result), .mediaRefused(let result), .mediaUnavailable(let result): result.providerRequestID
        case .failed(let failure): failure.providerRequestID
        case .cancelled: nil
        }
    }
}

/// A synchronous run's ending, as the ledger is told it and as the caller is answered.
struct RunSettlement {
    /// What the ledger is told.
    var command: SettleRun
    private let ending: RunEnding

    init(_ ending: RunEnding, of executionID: ExecutionID, duration: Duration, hasTask: Bool) {
        self.ending = ending
        switch ending {
        case .ended(let end):
            self.command = SettleRun(
                end,
                of: executionID,
                milliseconds: duration.wholeMilliseconds,
                providerRequestID: nil,
                task: hasTask ? .ends : .none
            )
        case .unresolved(let reason, let id):
            self.command = SettleRun(
                executionID: executionID,
                outcome: .unresolved(reason: reason.rawValue),
                providerRequestID: id?.asProviderRequestID,
                task: hasTask ? .isLetGo : .none
            )
        }
    }

    /// The answer if the ledger records the outcome as it is told it; its cost is not known yet.
    func expected(_ admission: Admission, duration: Duration) -> RunAnswer {
        switch ending {
        case .ended(.succeeded(let result)):
            return .succeeded(
                RunAnswer.Success(
                    executionID: command.executionID,
                    result: result.result,
                    cost: .zero,
                    duration: duration,
                    window: admission.window
                )
            )
        case .ended: return failure(isUnresolved: false, admission)
        case .unresolved: return failure(isUnresolved: true, admission)
        }
    }

    private func failure(isUnresolved: Bool, _ admission: Admission) -> RunAnswer {
        .failed(
            RunAnswer.Failure(
                executionID: command.executionID,
                message: message,
                isUnresolved: isUnresolved,
                window: admission.window
            )
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
        if case .ended(.succeeded(let result)) = ending, settled.status == .succeeded {
            return .succeeded(
                RunAnswer.Success(
                    executionID: settled.id,
                    result: result.result,
                    cost: settled.charged,
                    duration: duration,
                    window: admission.window
                )
            )
        }
        return failure(isUnresolved: !settled.status.isEnd, admission)
    }

    private var message: String {
        switch ending {
        case .ended(let end): end.message ?? "The run was given up before its result arrived"
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
