import Ledger
import Postgres

/// What a batch of commands must read before it can be decided.
struct BatchNeeds {
    private(set) var accounts: [AccountID] = []
    private(set) var pots: [PotID] = []
    private(set) var references: [String] = []
    private(set) var periods: [String] = []
    private(set) var keys: [KeyID] = []
    /// Runs that are to be admitted.
    private(set) var executions: [ProjectionRow<ExecutionID>] = []
    /// Runs that are to be moved on.
    private(set) var moved: [ProjectionRow<ExecutionID>] = []
    private(set) var holds: [ProjectionRow<HoldID>] = []
    private(set) var commands: [ProjectionRow<CommandID>] = []
    private(set) var cancels: [ExecutionID] = []
    private(set) var claims: [ProjectionRow<Digest>] = []
    /// Slugs that new workflows want.
    private(set) var slugs: [ProjectionRow<String>] = []
    /// Accounts that are to be erased.
    private(set) var erased: [AccountID] = []
    /// Accounts whose workflows commands are about.
    private(set) var drafters: [AccountID] = []
    private(set) var readsWindows = false
    private(set) var readsTopUps = false

    init(_ batch: [Command]) {
        var seen = Set<AccountID>(minimumCapacity: batch.count)
        var seenKeys = Set<KeyID>(minimumCapacity: batch.count)
        for command in batch {
            if seen.insert(command.accountID).inserted { accounts.append(command.accountID) }
            if let request = command.idempotency { claims.append(ProjectionRow(command.accountID, request.key)) }
            if let key = command.key, seenKeys.insert(key).inserted { keys.append(key) }
            add(command)
        }
    }

    private mutating func add(_ command: Command) {
        switch command.action {
        case .admitRun(let run):
            holds.append(ProjectionRow(command.accountID, HoldID(run.executionID.value)))
            executions.append(ProjectionRow(command.accountID, run.executionID))
            if case .node(let place) = run.part { add(place.run, of: command) }
            readsWindows = true
        case .recordSubmission(let submission): add(submission.executionID, of: command)
        case .settleRun(let settlement): add(settlement.executionID, of: command)
        case .requestCancel(let wish):
            cancels.append(wish.executionID)
            add(wish.executionID, of: command)
        case .expireHold(let holdID, _): add(ExecutionID(holdID.value), of: command)
        case .addCredits(let addition):
            pots.append(addition.potID)
            if let reference = addition.externalReference { look(for: reference) }
            commands.append(ProjectionRow(command.accountID, command.id))
        case .adjustCredits(let adjustment):
            pots.append(adjustment.potID)
            commands.append(ProjectionRow(command.accountID, command.id))
        case .renewPlan(let renewal):
            pots.append(renewal.potID)
            periods.append(renewal.period)
            if let reference = renewal.externalReference { look(for: reference) }
            commands.append(ProjectionRow(command.accountID, command.id))
        case .refundPayment(let refund):
            look(for: refund.reference)
            commands.append(ProjectionRow(command.accountID, command.id))
        case .startTopUp(let attempt): addTopUp(attempt, of: command)
        case .endTopUp(let end):
            if case .paid(_, let reference, _) = end.outcome { look(for: reference) }
            addTopUp(end.attempt, of: command)
        case .saveWorkflow(let wish):
            if wish.version == 1, Slug.isValid(wish.slug) {
                slugs.append(ProjectionRow(command.accountID, wish.slug))
            }
            addWorkflow(of: command)
        case .deleteWorkflow: addWorkflow(of: command)
        case .setTopUpRules, .closeAccount: addTopUp(nil, of: command)
        case .eraseAccount:
            erased.append(command.accountID)
            commands.append(ProjectionRow(command.accountID, command.id))
        case .openAccount, .changeTier, .changeRole, .setApproval, .issueKey, .revokeKey, .issueGrant,
            .revokeGrant, .setAlertThreshold, .closePeriod, .recordInvoice, .resolveSuspense:
            commands.append(ProjectionRow(command.accountID, command.id))
        }
    }

    /// No pot can have a reference with a NUL, and PostgreSQL takes none as a parameter.
    private mutating func look(for reference: String) {
        if !reference.utf8.contains(0) { references.append(reference) }
    }

    private mutating func addTopUp(_ attempt: PotID?, of command: Command) {
        readsTopUps = true
        if let attempt { pots.append(attempt) }
        commands.append(ProjectionRow(command.accountID, command.id))
    }

    private mutating func addWorkflow(of command: Command) {
        if !drafters.contains(command.accountID) { drafters.append(command.accountID) }
        commands.append(ProjectionRow(command.accountID, command.id))
    }

    /// A run that a command wants to move on is under way, as a rule; whether it has ended is asked only if it is not.
    private mutating func add(_ execution: ExecutionID, of command: Command) {
        holds.append(ProjectionRow(command.accountID, HoldID(execution.value)))
        moved.append(ProjectionRow(command.accountID, execution))
    }

    /// Reads everything in one unit that begins the transaction and locks the journal.
    ///
    /// - Parameter expiredBy: when set, also open holds of the accounts that expired by then, with their runs.
    func read(
        in journal: JournalID,
        session: PostgresSession,
        resolving firstPosition: Int64?,
        expiredBy moment: Timestamp? = nil,
        opening: Bool = true
    ) async throws(PostgresError) -> LoadedBatch {
        var unit = PipelineBatch()
        if opening { unit.begin() }
        unit.append(LockJournal(journal: journal))
        if let firstPosition { unit.append(ReadEventHash(journal: journal, position: firstPosition)) }
        unit.append(LoadAccounts(journal: journal, accounts: accounts))
        unit.append(
            LoadPots(journal: journal, accounts: accounts, pots: pots, references: references, periods: periods)
        )
        unit.append(LoadGrants(journal: journal, accounts: accounts))
        if readsWindows { unit.append(LoadWindows(journal: journal, accounts: accounts)) }
        if !keys.isEmpty { unit.append(LoadKeys(journal: journal, keys: keys)) }
        if !executions.isEmpty { unit.append(LoadEndedExecutions(journal: journal, executions: executions)) }
        if !holds.isEmpty { unit.append(LoadHolds(journal: journal, holds: holds)) }
        if !commands.isEmpty {
            unit.append(LoadCommands(journal: journal, commands: commands))
        }
        if readsTopUps { unit.append(LoadTopUps(journal: journal, accounts: accounts)) }
        if !drafters.isEmpty { unit.append(LoadWorkflows(journal: journal, accounts: drafters)) }
        if !slugs.isEmpty {
            unit.append(TakeSlugs(slugs: slugs.sorted { $0.value.utf8.lexicographicallyPrecedes($1.value.utf8) }))
            unit.append(LoadSlugs(slugs: slugs.map(\.value)))
        }
        if !cancels.isEmpty { unit.append(LockQueuedTasks(journal: journal, executions: cancels)) }
        if !claims.isEmpty { unit.append(LoadClaims(journal: journal, claims: Array(Set(claims)))) }
        if let moment { unit.append(LoadExpiredHolds(journal: journal, accounts: accounts, moment: moment)) }
        let results = try await session.execute(unit)
        var loaded = try decode(
            results[(opening ? 1 : 0)...],
            resolving: firstPosition != nil,
            withExpired: moment != nil
        )
        try await addEnded(to: &loaded, in: journal, session)
        for account in erased { try await addAll(of: account, to: &loaded, in: journal, session) }
        return loaded
    }

    private static func put(
        _ rows: [(run: ProjectionRow<OpenRun>, place: RowPlace)],
        _ states: inout [AccountID: LedgerState],
        _ places: inout [HoldID: RowPlace]
    ) {
        places.reserveCapacity(places.count + rows.count)
        for row in rows {
            states[row.run.account]?.put(row.run.value)
            places[row.run.value.hold.id] = row.place
        }
    }

    private static func putEnded(_ rows: [ProjectionRow<Execution>], _ states: inout [AccountID: LedgerState]) {
        for row in rows { states[row.account]?.executions[row.value.id] = row.value }
    }

    private static func putWindows(_ rows: [ProjectionRow<RouteWindow>], _ states: inout [AccountID: LedgerState]) {
        for row in rows { states[row.account]?.windows[row.value.route] = row.value.window }
    }

    private static func putWorkflows(_ rows: [ProjectionRow<Workflow>], _ states: inout [AccountID: LedgerState]) {
        for row in rows { states[row.account]?.workflows[row.value.slug] = row.value }
    }

    private static func putSlugs(_ rows: [ProjectionRow<String>], _ states: inout [AccountID: LedgerState]) {
        for row in rows { states[row.account]?.slugOwners[row.value] = row.account }
    }

    /// Runs that commands want to move on, and that are not under way: most likely they have ended.
    private func addEnded(
        to loaded: inout LoadedBatch,
        in journal: JournalID,
        _ session: PostgresSession
    ) async throws(PostgresError) {
        let places = loaded.places
        let missing = moved.filter { places[HoldID($0.value.value)] == nil }
        guard !missing.isEmpty else { return }
        let rows = try await session.query(LoadEndedExecutions(journal: journal, executions: missing))
        Self.putEnded(rows, &loaded.states)
    }

    /// All keys and open holds of an account that is to be erased: rare enough for a round trip of its own.
    private func addAll(
        of account: AccountID,
        to loaded: inout LoadedBatch,
        in journal: JournalID,
        _ session: PostgresSession
    ) async throws(PostgresError) {
        var unit = PipelineBatch()
        unit.append(AccountScan(scan: ScanKeys(journal: journal), account: account))
        unit.append(AccountScan(scan: ScanHolds(journal: journal), account: account))
        let results = try await session.execute(unit)
        for row in try results[0].decode(as: ScanKeys.self) { loaded.states[account]?.keys[row.value.id] = row.value }
        for row in try results[1].decode(as: ScanHolds.self) { loaded.states[account]?.put(row.value) }
    }

    private func decode(
        _ results: ArraySlice<PostgresResult>,
        resolving: Bool,
        withExpired: Bool
    ) throws(PostgresError) -> LoadedBatch {
        var next = results.startIndex
        func take() -> PostgresResult {
            defer { next += 1 }
            return results[next]
        }
        guard let head = try take().decode(as: LockJournal.self).first else {
            throw PostgresError(
                code: .protocolViolation,
                outcome: .rolledBack,
                message: "the journal does not exist; run `runledger init`"
            )
        }
        let resolved = resolving ? try take().decode(as: ReadEventHash.self).first : nil
        var states = [AccountID: LedgerState](minimumCapacity: accounts.count)
        for account in accounts { states[account] = LedgerState() }
        for account in try take().decode(as: LoadAccounts.self) { states[account.id]?.account = account }
        for row in try take().decode(as: LoadPots.self) { states[row.account]?.pots[row.value.id] = row.value }
        for row in try take().decode(as: LoadGrants.self) { states[row.account]?.grants[row.value.id] = row.value }
        if readsWindows {
            Self.putWindows(try take().decode(as: LoadWindows.self), &states)
        }
        if !keys.isEmpty {
            for row in try take().decode(as: LoadKeys.self) { states[row.account]?.keys[row.value.id] = row.value }
        }
        if !executions.isEmpty {
            Self.putEnded(try take().decode(as: LoadEndedExecutions.self), &states)
        }
        var places: [HoldID: RowPlace] = [:]
        if !holds.isEmpty { Self.put(try take().decode(as: LoadHolds.self), &states, &places) }
        if !commands.isEmpty {
            for row in try take().decode(as: LoadCommands.self) { states[row.account]?.commands.insert(row.value) }
        }
        if readsTopUps {
            for row in try take().decode(as: LoadTopUps.self) { states[row.account]?.topUp = row.value }
        }
        if !drafters.isEmpty { Self.putWorkflows(try take().decode(as: LoadWorkflows.self), &states) }
        if !slugs.isEmpty {
            // What takes them gives nothing.
            _ = take()
            Self.putSlugs(try take().decode(as: LoadSlugs.self), &states)
        }
        var undispatched = Set<ExecutionID>()
        if !cancels.isEmpty { undispatched = Set(try take().decode(as: LockQueuedTasks.self)) }
        if !claims.isEmpty {
            for row in try take().decode(as: LoadClaims.self) { states[row.account]?.claims[row.value.key] = row.value }
        }
        if withExpired { Self.put(try take().decode(as: LoadExpiredHolds.self), &states, &places) }
        return LoadedBatch(
            head: head,
            resolvedHash: resolved,
            states: states,
            places: places,
            undispatched: undispatched
        )
    }
}

extension Command {
    /// The key that the command uses or is about.
    fileprivate var key: KeyID? {
        switch action {
        case .admitRun(let run): run.keyID
        case .issueKey(let key): key.keyID
        case .revokeKey(let keyID): keyID
        case .requestCancel(let wish): wish.keyID
        case .saveWorkflow(let wish): wish.keyID
        case .deleteWorkflow(let wish): wish.keyID
        default: nil
        }
    }
}

/// What was read under the journal's lock.
struct LoadedBatch {
    let head: JournalHead
    /// The hash of the event at the first position of an earlier attempt at the same batch.
    let resolvedHash: Digest?
    var states: [AccountID: LedgerState]
    /// Where the rows of runs under way are.
    let places: [HoldID: RowPlace]
    /// Runs to be cancelled that were never sent.
    let undispatched: Set<ExecutionID>
}

extension LedgerState {
    /// Takes in a run under way.
    mutating func put(_ run: OpenRun) {
        holds[run.hold.id] = run.hold
        executions[run.execution.id] = run.execution
    }
}
