public import Ledger

extension LedgerStore {
    /// What an account had as of a point, as was known then and as is known now; nil when it is unknown.
    public func balance(
        of account: AccountID,
        asOf point: ReplayEnd
    ) async throws(LedgerStoreError) -> BalanceAsOf? {
        try await ask(ReadBalanceAsOf(account: account, point: point)).first
    }

    /// Why a number of an account is what it is as of a point; nil when the account is unknown.
    public func why(
        _ subject: WhySubject,
        of account: AccountID,
        asOf point: ReplayEnd
    ) async throws(LedgerStoreError) -> Explanation? {
        guard try await ask(LoadAccounts(journal: journal(of: account), accounts: [account])).first != nil else {
            return nil
        }
        var (sequence, moment): (Int64?, Timestamp?) = (nil, nil)
        switch point {
        case .now: break
        case .time(let time): moment = time
        case .sequence(let last): sequence = last
        case .position(let last):
            sequence = try await ask(FindSequence(account: account, position: last)).first ?? 0
        }
        if let sequence, case .grant = subject {
            moment = try await ask(ReadBalanceAsOf(account: account, point: .sequence(sequence))).first?.moment
        }
        let lines = try await ask(
            ExplainNumber(account: account, subject: subject, sequence: sequence, moment: moment)
        )
        return Explanation(subject: subject, unit: try await unit(subject, lines, account), lines: lines)
    }

    private func unit(
        _ subject: WhySubject,
        _ lines: [Explanation.Line],
        _ account: AccountID
    ) async throws(LedgerStoreError) -> Explanation.Unit {
        var grant: GrantID?
        switch subject {
        case .grant(let id): grant = id
        case .refusal, .refusedRequest:
            if lines.contains(where: { $0.type == .rateLimitExceeded }) { return .requests }
            grant = lines.first { $0.type == .grantRefused }?.grantID
        default: break
        }
        guard let grant else { return .credits }
        let isTimed = try await ask(
            AskWhetherGrantIsTimed(journal: journal(of: account), account: account, grant: grant)
        )
        return isTimed.first == true ? .seconds : .runs
    }
}
