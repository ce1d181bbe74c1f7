import Ledger
import LedgerStore
import LedgerTestSupport

extension Machine {
    /// Compares all that the ledger's rows say of an account, and of the runs that some wishes are about.
    func compareState(_ index: Int, _ wishes: [Wish], _ now: Int64) async throws {
        let tenant = tenants[index]
        let naive = tenant.naive
        guard let state = try await store.state(of: tenant.account), let account = state.account else {
            throw Difference(description: "the account is gone")
        }
        try same("posted", account.posted.microcredits, naive.posted)
        try same("held", account.held.microcredits, naive.held)
        try same("tier", account.tier.rank, naive.tier)
        try same("approved", account.isApproved, naive.isApproved)
        try same("closed", account.isClosed, naive.isClosed)
        try same("alerted", account.alertRaisedAt != nil, naive.isAlerted)
        let topUp = try await store.topUp(of: tenant.account)
        try same("attempt", topUp?.attempt?.id.description, naive.topUp.attempt?.pot)
        try same("breaker", topUp?.isBroken ?? false, naive.topUp.isBroken)
        let live = state.pots.values.map { "\($0.id) \($0.remaining.microcredits) \($0.held.microcredits)" }
        let kept = naive.pots.filter { $0.value.left > 0 || $0.value.onHold > 0 }
        try same("pots", live.sorted(), kept.map { "\($0.key) \($0.value.left) \($0.value.onHold)" }.sorted())
        let grants = state.grants.values.map {
            "\($0.id) \($0.used) \($0.held) \($0.isRevoked) \($0.closesAt != nil)"
        }
        let given = naive.grants.map {
            "\($0.key) \($0.value.used) \($0.value.onHold) \($0.value.isRevoked) \($0.value.closes != nil)"
        }
        try same("grants", grants.sorted(), given.sorted())
        if naive.counted > 0 {
            try same("minute", state.windows[.modelRun]?.minute, naive.minute)
            try same("counted", state.windows[.modelRun]?.count, naive.counted)
        }
        // A flood's runs are all alike.
        for wish in wishes.prefix(40) {
            guard let id = wish.run, let run = naive.runs[id], let bits = ExecutionID(text: id) else { continue }
            let known = try await store.execution(bits, of: tenant.account)
            try same("status of \(id)", known?.status.rawValue, run.status)
            try same("charge of \(id)", known?.charged.microcredits, run.charged)
            try same("absorbed of \(id)", known?.absorbed.microcredits, run.absorbed)
        }
    }

    private func same<Value: Equatable>(_ what: String, _ ledger: Value, _ naive: Value) throws {
        guard ledger == naive else {
            throw Difference(description: "step \(stepCount), \(what): the ledger has \(ledger), the model \(naive)")
        }
    }
}

extension Wish {
    /// The run that the wish is about.
    var run: String? {
        switch kind {
        case .run(let id, _, _, _, _, _), .submitted(let id), .succeed(let id, _), .fail(let id), .unresolved(let id),
            .expire(let id):
            id
        default: nil
        }
    }
}
