internal import Ledger

/// What a command brings that its events may not say: the key to seal it under, and texts that events name by commitments.
struct PrivateSide: Sendable {
    let key: DataKey
    let texts: [SealedText]
}

extension Command {
    /// Whether there is something in the command that belongs under the account's key.
    var isPersonal: Bool {
        if idempotency?.answer != nil { return true }
        switch action {
        case .issueKey, .adjustCredits, .saveWorkflow: return true
        case .admitRun(let run): return run.inputsDigest != nil || run.task != nil
        case .settleRun(let settlement):
            if case .succeeded(_, _, _?, _) = settlement.outcome { return true }
            return settlement.report != nil || settlement.claim != nil
        default: return false
        }
    }

    /// The command with commitments in the places of all that its events must not say, and what goes beside them.
    ///
    /// What would be refused stays as it is, so that it is refused. Commitments to the same are the same, so a command that is
    /// given again is the same, too.
    func sealed(under key: DataKey) -> (command: Command, side: PrivateSide) {
        var texts: [SealedText] = []
        func mark(_ text: String) -> String {
            let commitment = key.commitment(to: Array(text.utf8))
            texts.append(SealedText(commitment: commitment, sealed: key.seal(text, for: .text(commitment))))
            return PrivateText.mark(commitment)
        }
        var action = action
        switch action {
        case .issueKey(let issue) where IssueKey.isName(issue.name):
            action = .issueKey(issue.named(mark(issue.name)))
        case .adjustCredits(let adjustment) where AdjustCredits.isReason(adjustment.reason):
            action = .adjustCredits(adjustment.because(of: mark(adjustment.reason)))
        case .saveWorkflow(var wish):
            wish.digest = key.commitment(to: wish.digest)
            action = .saveWorkflow(wish)
        case .admitRun(var run):
            run.inputsDigest = run.inputsDigest.map { key.commitment(to: $0) }
            action = .admitRun(run)
        case .settleRun(var settlement):
            if case .succeeded(let cost, let providerCost, let digest?, let duration) = settlement.outcome {
                settlement.outcome = .succeeded(
                    cost: cost,
                    providerCost: providerCost,
                    resultDigest: key.commitment(to: digest),
                    durationMilliseconds: duration
                )
            }
            action = .settleRun(settlement)
        default: break
        }
        let command = Command(
            id: id,
            accountID: accountID,
            requestID: requestID,
            actor: actor,
            action: action,
            idempotency: idempotency,
            traceID: traceID
        )
        return (command, PrivateSide(key: key, texts: texts))
    }
}

extension PrivateSide? {
    /// The key of a command that brings personal data.
    var key: DataKey {
        guard let self else { preconditionFailure("personal data came without the key that seals it") }
        return self.key
    }
}

extension DataKey {
    /// What is kept of a run's end, sealed.
    func seal(_ report: RunReport, of execution: ExecutionID) -> RunReport {
        RunReport(
            result: report.result.map { seal($0, for: .result(execution)) },
            errorMessage: report.errorMessage.map { seal($0, for: .errorMessage(execution)) },
            milliseconds: report.milliseconds
        )
    }

    /// An answer, sealed.
    func seal(_ answer: RecordedAnswer, under key: Digest) -> RecordedAnswer {
        RecordedAnswer(status: answer.status, headers: answer.headers, body: seal(answer.body, for: .answer(key)))
    }
}

extension DataKey? {
    /// What is kept of a run's end, for whoever asks; without what was erased.
    func open(_ report: RunReport, of execution: ExecutionID) -> RunReport {
        RunReport(
            result: report.result.flatMap { open($0, for: .result(execution)) },
            errorMessage: report.errorMessage.flatMap { open($0, for: .errorMessage(execution)) },
            milliseconds: report.milliseconds
        )
    }

    /// An answer as it was given; nil when it was erased.
    func open(_ answer: RecordedAnswer, under key: Digest) -> RecordedAnswer? {
        let place = SealedPlace.answer(key)
        guard
            let body = self.map({ $0.open(answer.body, for: place) })
                ?? (DataKey.isSealed(answer.body) ? nil : answer.body)
        else { return nil }
        return RecordedAnswer(status: answer.status, headers: answer.headers, body: body)
    }

    /// A text as it was; nil when it was erased. What was never sealed needs no key.
    func open(_ text: String, for place: SealedPlace) -> String? {
        guard let self else { return DataKey.isSealed(text) ? nil : text }
        return self.open(text, for: place)
    }
}
