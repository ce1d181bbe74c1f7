public import Ledger
public import LedgerStore
import Synchronization
import TestSupport

/// Identifiers that no other test uses.
public enum FreshID {
    private static let generator = Mutex(Seed(.random(in: .min ... .max)))

    /// 128 bits that carry a journal.
    public static func bits(in journal: JournalID = JournalID(0)) -> Identifier128 {
        let random = generator.withLock { $0.next() }
        return Identifier128(unixMilliseconds: 1_800_000_000_000, journal: journal, random: random)
    }

    /// An account that lives in a journal.
    public static func account(in journal: JournalID, of store: LedgerStore) -> AccountID {
        while true {
            let account = AccountID(bits())
            if store.journal(of: account) == journal { return account }
        }
    }
}

/// An account with a key, and the commands that tests give it.
public struct Tenant: Sendable {
    /// The account.
    public let account: AccountID
    /// Its key, which may run every model.
    public let key: KeyID
    /// The journal it lives in.
    public let journal: JournalID

    /// Names an account and a key of a store; nothing is opened yet.
    public init(in store: LedgerStore, journal: JournalID? = nil) {
        account = journal.map { FreshID.account(in: $0, of: store) } ?? AccountID(FreshID.bits())
        self.journal = store.journal(of: account)
        key = KeyID(FreshID.bits(in: self.journal))
    }

    /// Opens an account with a key and, unless zero, credits that never expire.
    public static func open(
        in store: LedgerStore,
        tier: Tier = .enterprise,
        credits: Credits = .zero,
        journal: JournalID? = nil
    ) async throws -> Tenant {
        let tenant = Tenant(in: store, journal: journal)
        try await store.succeed(tenant.command(.openAccount(OpenAccount(tier: tier))))
        // Lower plans have no keys that may run a model.
        if tier >= .business { try await store.succeed(tenant.issueKey()) }
        if credits != .zero { try await store.succeed(tenant.addCredits(credits)) }
        return tenant
    }

    /// A command with an id of its own.
    public func command(_ action: Command.Action) -> Command {
        Command(
            id: CommandID(FreshID.bits(in: journal)),
            accountID: account,
            requestID: RequestID(FreshID.bits(in: journal)),
            action: action
        )
    }

    /// Issues the tenant's key, or another one.
    public func issueKey(_ other: KeyID? = nil, name: String = "test") -> Command {
        let capabilities = [Capability("model:run")].compactMap { $0 }
        let id = other ?? key
        return command(
            .issueKey(IssueKey(keyID: id, name: name, secretDigest: Digest(of: [1, 2]), capabilities: capabilities))
        )
    }

    /// Fills a new pot.
    public func addCredits(
        _ amount: Credits,
        pot: PotID? = nil,
        kind: Pot.Kind = .topUp,
        expiresAt: Timestamp? = nil,
        reference: String? = nil
    ) -> Command {
        let pot = pot ?? PotID(FreshID.bits(in: journal))
        return command(
            .addCredits(
                AddCredits(potID: pot, kind: kind, amount: amount, expiresAt: expiresAt, externalReference: reference)
            )
        )
    }

    /// Gives free runs of a model.
    public func issueGrant(
        _ allowance: Grant.Allowance,
        model: String = "painter",
        grant: GrantID? = nil,
        expiresAt: Timestamp? = nil
    ) -> Command {
        let id = grant ?? GrantID(FreshID.bits(in: journal))
        return command(
            .issueGrant(IssueGrant(grantID: id, model: model, allowance: allowance, expiresAt: expiresAt))
        )
    }

    /// Asks to run a model, for one credit unless told otherwise.
    public func admit(
        _ execution: ExecutionID? = nil,
        model: String = "painter",
        quote: Credits = Credits(whole: 1),
        deadlineSeconds: Int64 = 300,
        unresolvedHoldSeconds: Int64 = 86_400,
        policy: UnresolvedPolicy = .release
    ) -> Command {
        let terms = RunQuote(
            amount: quote,
            priceVersion: "2026-01",
            definitionVersion: 1,
            requiredTier: .pro,
            supportsAsync: false,
            deadlineSeconds: deadlineSeconds,
            unresolvedHoldSeconds: unresolvedHoldSeconds,
            unresolvedPolicy: policy
        )
        return command(
            .admitRun(
                AdmitRun(
                    executionID: execution ?? newExecution(),
                    keyID: key,
                    model: model,
                    inputsDigest: Digest(of: [3]),
                    preflight: .quoted(terms)
                )
            )
        )
    }

    /// A run's id in the tenant's journal.
    public func newExecution() -> ExecutionID { ExecutionID(FreshID.bits(in: journal)) }

    /// Tells that a run ended with a result.
    public func succeed(_ execution: ExecutionID, cost: Credits) -> Command {
        let outcome = RunOutcome.succeeded(
            cost: cost,
            providerCost: MicroUSD(microdollars: 1_200),
            resultDigest: Digest(of: [4]),
            durationMilliseconds: 17
        )
        return settle(execution, outcome)
    }

    /// Tells that a run ended without a result.
    public func fail(_ execution: ExecutionID) -> Command {
        settle(execution, .failed(code: "PROVIDER_ERROR", durationMilliseconds: 9))
    }

    /// Tells how a run ended.
    public func settle(_ execution: ExecutionID, _ outcome: RunOutcome) -> Command {
        command(.settleRun(SettleRun(executionID: execution, outcome: outcome, providerRequestID: "provider-1")))
    }
}

/// A command of a test's preparation was not carried out.
public struct UnexpectedVerdict: Error, CustomStringConvertible {
    /// The verdict.
    public let description: String
}

extension LedgerStore {
    /// Has an administrative command carried out; anything else is an error.
    public func succeed(_ command: Command) async throws {
        let verdict = try await submit(command)
        switch verdict {
        case .done, .saved: return
        default: throw UnexpectedVerdict(description: "\(verdict)")
        }
    }

    /// Submits commands at once, and gives their verdicts in the order of the commands.
    public func submitAtOnce(_ commands: [Command]) async throws -> [Verdict] {
        try await withThrowingTaskGroup(of: (Int, Verdict).self) { group in
            for (index, command) in commands.enumerated() {
                group.addTask { (index, try await self.submit(command)) }
            }
            var verdicts = [Verdict?](repeating: nil, count: commands.count)
            for try await (index, verdict) in group { verdicts[index] = verdict }
            return verdicts.compactMap { $0 }
        }
    }

    /// Every event of an account, in order.
    public func allEvents(of account: AccountID) async throws -> [Event] {
        var all: [Event] = []
        while true {
            let page = try await events(of: account, after: all.last?.sequence ?? 0)
            all += page
            if page.count < 1_000 { return all }
        }
    }
}

extension Verdict {
    /// The admission, if it is one.
    public var admission: Admission? {
        if case .admitted(let admission) = self { admission } else { nil }
    }

    /// The refusal, if it is one.
    public var refusal: Refusal? {
        if case .refused(let refusal, _) = self { refusal } else { nil }
    }

    /// The settlement, if it is one.
    public var settlement: Settlement? {
        if case .settled(let settlement) = self { settlement } else { nil }
    }
}
