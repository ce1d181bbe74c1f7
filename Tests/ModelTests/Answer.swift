import Ledger

/// The sentences that the naive account answers, made of the ledger's verdicts.
enum Answer {
    static func text(_ verdict: Verdict) -> String {
        switch verdict {
        case .admitted(let admission):
            let payer = admission.grantID.map { "admitted by \($0)" } ?? "admitted"
            return payer + counted(admission.window)
        case .alreadyAdmitted(let run): return "admitted before, \(run.status)"
        case .settled(let settlement):
            let run = settlement.execution
            return "\(run.status), charged \(run.charged.microcredits), absorbed \(run.absorbed.microcredits)"
                + (settlement.isRepeat ? ", again" : "")
        case .cancelRequested(let run): return "cancel requested, \(run.status)"
        case .done, .saved: return "done"
        case .alreadyDone: return "done before"
        case .alreadyAdded(let pot): return "added before, \(pot)"
        case .takenBack(let taken, let short):
            return "took back \(taken.microcredits), short \(short.microcredits)"
        case .repeated: return "asked before"
        case .refused(let refusal, let window): return numbers(refusal) + counted(window)
        }
    }

    private static func counted(_ window: WindowStatus?) -> String { window.map { ", \($0.count) counted" } ?? "" }

    private static func numbers(_ refusal: Refusal) -> String {
        switch refusal {
        case .insufficientCredits(let required, let available):
            "\(refusal.code) needs \(required.microcredits) has \(available.microcredits)"
        case .grantExhausted(.runs(let granted, let used)): "\(refusal.code) \(used) of \(granted)"
        case .grantExhausted(.window): "\(refusal.code) in time"
        case .adjustmentTooLarge(let available): "\(refusal.code) has \(available.microcredits)"
        default: refusal.code
        }
    }
}
