import Ledger
import Postgres

/// A batch of commands after it was decided: verdicts, sealed events, and the rows they change.
struct DecidedBatch: Sendable {
    let journal: JournalID
    private(set) var verdicts: [Verdict] = []
    private(set) var events: [Event] = []
    private(set) var head: JournalHead
    /// Accounts whose refusals may turn around once their expired holds are known.
    private(set) var accountsInDoubt: Set<AccountID> = []
    private var states: [AccountID: LedgerState]
    private let places: [HoldID: RowPlace]
    private var tasks = TaskChanges()
    private var claims = ClaimChanges()
    private var documents = DocumentChanges()
    private var privacy = PrivacyChanges()
    private let decidedAt: Timestamp

    /// Decides commands in order, each seeing the effects of the ones before, and seals their events.
    init(
        _ commands: [Command],
        _ sides: [PrivateSide?],
        journal: JournalID,
        loaded: consuming LoadedBatch,
        at now: Timestamp
    ) {
        self.journal = journal
        self.head = loaded.head
        self.places = loaded.places
        self.states = loaded.states
        self.decidedAt = now
        var contents: [EventContent] = []
        contents.reserveCapacity(commands.count * 4)
        var refusedByWindow: [AccountID: Int] = [:]
        verdicts.reserveCapacity(commands.count)
        for (command, side) in zip(commands, sides) {
            let command = command.knowing(undispatched: loaded.undispatched)
            let decision = states[command.accountID, default: LedgerState()].perform(command, at: now)
            verdicts.append(decision.verdict)
            tasks.add(command, side, decision, states[command.accountID])
            claims.add(command, side, decision)
            documents.add(command, side, decision)
            privacy.add(command, side, decision)
            if decision.mayDependOnExpiredHolds { accountsInDoubt.insert(command.accountID) }
            if decision.events.count == 1, decision.events[0].type == .rateLimitExceeded {
                if let index = refusedByWindow[command.accountID],
                    let merged = contents[index].coalesced(with: decision.events[0])
                {
                    contents[index] = merged
                    continue
                }
                refusedByWindow[command.accountID] = contents.count
            }
            contents.append(contentsOf: decision.events)
        }
        seal(contents)
    }

    private mutating func seal(_ contents: [EventContent]) {
        events.reserveCapacity(contents.count)
        for content in contents {
            head.position += 1
            let account = states[content.accountID]?.account
            let event = Event(
                sealing: content,
                journal: journal,
                position: head.position,
                sequence: (account?.sequence ?? 0) + 1,
                previousHash: account?.headHash
            )
            states[content.accountID]?.advance(to: event)
            head.hash = head.hash.chained(with: event.hash)
            events.append(event)
        }
    }

    /// Whether there are so many events that COPY pays, although it is a round trip more.
    private var copies: Bool { events.count >= 96 }

    /// Writes everything and commits. The last step is the one that commits.
    func write(on session: PostgresSession) async throws(PostgresError) {
        var unit = PipelineBatch(reservingBytes: events.count * (copies ? 256 : 768))
        if !events.isEmpty {
            if !copies { unit.append(AppendEvents(journal: journal, events: events)) }
            appendProjections(to: &unit)
            unit.append(AdvanceJournal(journal: journal, head: head))
        }
        if !tasks.isEmpty { tasks.append(to: &unit, journal: journal, now: decidedAt) }
        if !claims.isEmpty { claims.append(to: &unit, journal: journal, now: decidedAt) }
        if !documents.isEmpty { documents.append(to: &unit, journal: journal) }
        if !privacy.isEmpty { privacy.append(to: &unit, journal: journal, now: decidedAt) }
        if copies {
            _ = try await session.execute(unit)
            try await session.copy(CopyRows(appending: events))
        } else {
            unit.commit()
            _ = try await session.execute(unit)
        }
    }

    private func appendProjections(to unit: inout PipelineBatch) {
        let rows = ChangedRows(states, byAccountsOf: events, places: places)
        rows.append(to: &unit, journal: journal)
    }
}

/// The rows of the projections that a batch has changed.
struct ChangedRows {
    var accounts: [Account] = []
    var pots: [ProjectionRow<Pot>] = []
    var grants: [ProjectionRow<Grant>] = []
    /// Runs under way that were admitted or moved on.
    var openRuns: [ProjectionRow<OpenRun>] = []
    /// Where the rows are of runs that have moved on or ended.
    var formerRuns: [RowPlace] = []
    var windows: [ProjectionRow<RouteWindow>] = []
    /// Runs that have ended.
    var endedExecutions: [ProjectionRow<Execution>] = []
    var keys: [ProjectionRow<APIKey>] = []
    var commands: [ProjectionRow<CommandID>] = []
    var topUps: [ProjectionRow<AutoTopUp>] = []
    var workflows: [ProjectionRow<Workflow>] = []
    var nodeRuns: [ProjectionRow<NodeRun>] = []

    init(_ states: [AccountID: LedgerState], byAccountsOf events: [Event], places: [HoldID: RowPlace]) {
        var seen = Set<AccountID>(minimumCapacity: states.count)
        for event in events where seen.insert(event.content.accountID).inserted {
            guard let state = states[event.content.accountID], let account = state.account else { continue }
            accounts.append(account)
            add(state, of: account.id, places)
        }
    }

    private mutating func add(_ state: LedgerState, of account: AccountID, _ places: [HoldID: RowPlace]) {
        let changes = state.changes
        for id in changes.pots {
            if let pot = state.pots[id] { pots.append(ProjectionRow(account, pot)) }
        }
        for id in changes.grants {
            if let grant = state.grants[id] { grants.append(ProjectionRow(account, grant)) }
        }
        for route in changes.windows {
            guard let window = state.windows[route] else { continue }
            windows.append(ProjectionRow(account, RouteWindow(route: route, window: window)))
        }
        for id in changes.executions {
            guard let execution = state.executions[id] else { continue }
            if let place = places[execution.holdID] { formerRuns.append(place) }
            if let hold = state.holds[execution.holdID] {
                openRuns.append(ProjectionRow(account, OpenRun(hold: hold, execution: execution)))
            } else {
                endedExecutions.append(ProjectionRow(account, execution))
            }
        }
        for id in changes.keys {
            if let key = state.keys[id] { keys.append(ProjectionRow(account, key)) }
        }
        for slug in changes.workflows {
            if let workflow = state.workflows[slug] { workflows.append(ProjectionRow(account, workflow)) }
        }
        for run in changes.nodeRuns {
            nodeRuns += state.nodeRuns[run, default: []].map { ProjectionRow(account, $0) }
        }
        if changes.topUp, let topUp = state.topUp { topUps.append(ProjectionRow(account, topUp)) }
        for id in changes.commands { commands.append(ProjectionRow(account, id)) }
    }

    func append(to unit: inout PipelineBatch, journal: JournalID) {
        if !accounts.isEmpty { unit.append(PutAccounts(journal: journal, accounts: accounts)) }
        if !pots.isEmpty { unit.append(PutPots(journal: journal, pots: pots)) }
        if !grants.isEmpty { unit.append(PutGrants(journal: journal, grants: grants)) }
        // A run that moved on is deleted and inserted again.
        if !formerRuns.isEmpty { unit.append(DeleteHolds(journal: journal, places: formerRuns)) }
        if !openRuns.isEmpty { unit.append(InsertHolds(journal: journal, runs: openRuns)) }
        if !windows.isEmpty { unit.append(PutWindows(journal: journal, windows: windows)) }
        if !endedExecutions.isEmpty {
            unit.append(InsertEndedExecutions(journal: journal, executions: endedExecutions))
        }
        for key in keys { unit.append(PutKey(journal: journal, key: key)) }
        if !topUps.isEmpty { unit.append(PutTopUps(journal: journal, topUps: topUps)) }
        if !workflows.isEmpty { unit.append(PutWorkflows(journal: journal, workflows: workflows)) }
        if !nodeRuns.isEmpty { unit.append(InsertNodeRuns(journal: journal, nodes: nodeRuns)) }
        if !commands.isEmpty { unit.append(PutCommands(journal: journal, commands: commands)) }
    }
}

extension Command {
    /// The command with what only the writer can know: whether a run to be cancelled was certainly never sent.
    fileprivate func knowing(undispatched: Set<ExecutionID>) -> Command {
        guard case .requestCancel(var wish) = action, undispatched.contains(wish.executionID) else { return self }
        wish.isUndispatched = true
        return Command(
            id: id,
            accountID: accountID,
            requestID: requestID,
            actor: actor,
            action: .requestCancel(wish),
            idempotency: idempotency,
            traceID: traceID
        )
    }
}
