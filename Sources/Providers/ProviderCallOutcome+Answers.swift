internal import Runs

extension SubmitAttempt {
    /// The answer's class.
    var asCallOutcome: ProviderCallOutcome {
        switch self {
        case .accepted: .accepted
        case .ended(let outcome): outcome.asCallOutcome
        case .notAccepted: .notAccepted
        }
    }
}

extension PollOutcome {
    /// The answer's class.
    var asCallOutcome: ProviderCallOutcome {
        switch self {
        case .pending: .pending
        case .ended(let outcome): outcome.asCallOutcome
        }
    }
}

extension DispatchOutcome {
    /// The end's class.
    fileprivate var asCallOutcome: ProviderCallOutcome {
        switch self {
        case .succeeded: .succeeded
        case .failed(let failure):
            switch failure.failureClass {
            case .user: .userFailure
            case .provider: .providerFailure
            case .us: .ownFailure
            case .cancelled: .cancelled
            }
        case .unresolved: .unresolved
        }
    }
}
