public import Ledger
import Postgres
import Synchronization
import Traces

/// The clock that a journal records by.
public typealias JournalClock = @Sendable () -> Timestamp

/// Writes one journal for this process: takes whatever commands have piled up, and runs them as one transaction of two
/// round trips (design, section 3).
///
/// There is no timer: a lone command starts the writer at once, and commands that arrive while it works form the next
/// batch. Other processes may write the same journal; the lock on its head orders them.
final class JournalWriter: Sendable {
    /// Whoever waits for a command's verdict, and the span in which it does, if that is recorded.
    struct Ticket {
        fileprivate let waiting: UnsafeContinuation<Result<Verdict, LedgerStoreError>, Never>
        fileprivate let trace: TraceContext?
        /// What the command brings that its events may not say.
        fileprivate let side: PrivateSide?

        fileprivate func resume(returning result: Result<Verdict, LedgerStoreError>) {
            waiting.resume(returning: result)
        }
    }

    let journal: JournalID
    private let client: PostgresClient
    private let clock: JournalClock
    private let observer: (any BatchObserver)?
    private let spans: Spans
    private let onNotice: (@Sendable (Event) -> Void)?
    private let retryBudget: Duration
    private let queue: Mutex<JournalQueue<Ticket>>
    private let drained = Mutex<[CheckedContinuation<Void, Never>]>([])

    init(
        journal: JournalID,
        client: PostgresClient,
        clock: @escaping JournalClock,
        limits: JournalQueue<Ticket>.Limits,
        retryBudget: Duration,
        observer: (any BatchObserver)?,
        spans: Spans,
        onNotice: (@Sendable (Event) -> Void)?
    ) {
        self.journal = journal
        self.client = client
        self.clock = clock
        self.retryBudget = retryBudget
        self.observer = observer
        self.spans = spans
        self.onNotice = onNotice
        self.queue = Mutex(JournalQueue(limits: limits))
    }

    /// Commands that wait for the writer.
    var waitingCount: Int { queue.withLock(\.waitingCount) }

    /// Has a command decided, and returns once its events are durable.
    func submit(_ command: Command, _ side: PrivateSide?) async throws(LedgerStoreError) -> Verdict {
        let span = spans.begin("commit \(command.action.purpose)")
        let result: Result<Verdict, LedgerStoreError> = await withUnsafeContinuation { waiting in
            let ticket = Ticket(waiting: waiting, trace: span?.trace, side: side)
            switch queue.withLock({ $0.offer(command, ticket: ticket) }) {
            case .queued: break
            case .startWriter: Task { await self.drain() }
            case .full:
                let error = LedgerStoreError(.overloaded, outcome: .notSent, "journal \(journal) has a full queue")
                ticket.resume(returning: .failure(error))
            case .closed:
                let error = LedgerStoreError(.closed, outcome: .notSent, "journal \(journal) is closed")
                ticket.resume(returning: .failure(error))
            }
        }
        if let span { span.end(journal, result) }
        return try result.get()
    }

    /// Takes no more commands, and returns once those taken are decided.
    func close() async {
        queue.withLock { $0.close() }
        await withCheckedContinuation { continuation in
            drained.withLock { $0.append(continuation) }
            if !queue.withLock(\.isWriting) { resumeDrained() }
        }
    }

    private func resumeDrained() {
        let waiting = drained.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private func drain() async {
        while let batch = queue.withLock({ $0.nextBatch() }) {
            await run(batch.commands, batch.tickets)
        }
        if queue.withLock(\.isClosed) { resumeDrained() }
    }

    /// Runs a batch; one that the database rejects is split until the bad command stands alone and fails alone.
    private func run(_ commands: [Command], _ tickets: [Ticket]) async {
        let span = spans.begin("commit batch", for: tickets.compactMap(\.trace))
        span?.set([
            "runledger.journal": .number(Int64(journal.number)), "runledger.commands": .number(Int64(commands.count)),
            "db.system.name": "postgresql",
        ])
        do throws(LedgerStoreError) {
            let verdicts = try await BatchTransaction(
                journal: journal,
                commands: commands,
                sides: tickets.map(\.side),
                client: client,
                clock: clock,
                retryBudget: retryBudget,
                observer: observer,
                onNotice: onNotice
            ).run()
            span?.end()
            for (ticket, verdict) in zip(tickets, verdicts) { ticket.resume(returning: .success(verdict)) }
        } catch {
            span?.fail(error.code.rawValue)
            span?.end()
            guard error.code == .rejected, commands.count > 1 else {
                for ticket in tickets { ticket.resume(returning: .failure(error)) }
                return
            }
            let middle = commands.count / 2
            await run(Array(commands[..<middle]), Array(tickets[..<middle]))
            await run(Array(commands[middle...]), Array(tickets[middle...]))
        }
    }
}

extension OpenSpan {
    /// Ends the span in which a command was decided and its events became durable.
    fileprivate func end(_ journal: JournalID, _ result: Result<Verdict, LedgerStoreError>) {
        set(["runledger.journal": .number(Int64(journal.number))])
        if case .failure(let error) = result { fail(error.code.rawValue) }
        end()
    }
}

extension Command.Action {
    /// What the command's events are for the run, as its span is called.
    fileprivate var purpose: String {
        switch self {
        case .admitRun: "hold"
        case .recordSubmission: "submission"
        case .settleRun: "settlement"
        case .requestCancel: "cancellation"
        case .expireHold: "expiry"
        default: "command"
        }
    }
}

/// Someone who counts batches: a metric, or a benchmark.
public protocol BatchObserver: Sendable {
    /// A batch was committed.
    ///
    /// - Parameters:
    ///   - journal: the number of the journal.
    ///   - commands: commands in it.
    ///   - events: events it appended.
    ///   - duration: from taking the commands to the commit.
    func committed(journal: Int16, commands: Int, events: Int, duration: Duration)
    /// What became of each command of a batch that was committed, in the same order.
    func decided(_ commands: [Command], _ verdicts: [Verdict])
}

extension BatchObserver {
    /// Nothing, for those who count batches only.
    public func decided(_ commands: [Command], _ verdicts: [Verdict]) {}
}
