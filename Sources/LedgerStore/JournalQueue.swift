import Ledger

/// The commands that wait for a journal's writer: first in, first out, bounded by count and bytes. A pure value.
struct JournalQueue<Ticket> {
    /// What a full queue is.
    struct Limits: Hashable, Sendable {
        var commands = 8_192
        var bytes = 16 << 20
        var batch = 1_024
    }

    /// What became of a command offered.
    enum Offer: Hashable {
        /// It waits, and a writer is at work.
        case queued
        /// It waits, and the writer must be started.
        case startWriter
        /// It was not taken: too much waits already.
        case full
        /// It was not taken: the journal is closing.
        case closed
    }

    private struct Waiting {
        let command: Command
        let ticket: Ticket
        let bytes: Int
    }

    private let limits: Limits
    private var waiting: [Waiting] = []
    private var first = 0
    private(set) var waitingBytes = 0
    private(set) var isWriting = false
    private(set) var isClosed = false

    init(limits: Limits) { self.limits = limits }

    var waitingCount: Int { waiting.count - first }

    mutating func offer(_ command: Command, ticket: Ticket) -> Offer {
        if isClosed { return .closed }
        let bytes = command.approximateByteCount
        guard waitingCount < limits.commands, waitingBytes + bytes <= limits.bytes else { return .full }
        waiting.append(Waiting(command: command, ticket: ticket, bytes: bytes))
        waitingBytes += bytes
        if isWriting { return .queued }
        isWriting = true
        return .startWriter
    }

    /// The next batch for the writer; nil when nothing waits, and then the writer has to stop.
    mutating func nextBatch() -> (commands: [Command], tickets: [Ticket])? {
        guard waitingCount > 0 else {
            isWriting = false
            return nil
        }
        let taken = waiting[first..<min(waiting.count, first + limits.batch)]
        first += taken.count
        for entry in taken { waitingBytes -= entry.bytes }
        let batch = (commands: taken.map(\.command), tickets: taken.map(\.ticket))
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 4_096 {
            waiting.removeFirst(first)
            first = 0
        }
        return batch
    }

    mutating func close() { isClosed = true }
}

extension Command {
    /// What the command holds in memory, roughly: its fixed size and its texts.
    var approximateByteCount: Int {
        let fixed = 256 + (idempotency?.answer?.body.count ?? 0)
        return switch action {
        case .admitRun(let run): fixed + (run.model?.utf8.count ?? 0) + (run.task?.inputs.utf8.count ?? 0)
        case .recordSubmission(let submission):
            fixed + submission.providerRequestID.utf8.count + (submission.task?.links?.utf8.count ?? 0)
        case .settleRun(let settlement):
            fixed + (settlement.providerRequestID?.utf8.count ?? 0) + (settlement.report?.result?.utf8.count ?? 0)
                + (settlement.report?.errorMessage?.utf8.count ?? 0) + (settlement.claim?.byteCount ?? 0)
        case .issueKey(let key): fixed + key.name.utf8.count + key.capabilities.reduce(0) { $0 + $1.text.utf8.count }
        case .addCredits(let addition): fixed + (addition.externalReference?.utf8.count ?? 0)
        case .adjustCredits(let adjustment): fixed + adjustment.reason.utf8.count
        default: fixed
        }
    }
}

extension SettleRun.ClaimEnd {
    fileprivate var byteCount: Int {
        guard case .answered(_, let draft) = self else { return 32 }
        return 32 + draft.byteCount
    }
}
