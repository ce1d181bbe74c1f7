/// What of a unit matters to its outcome.
struct UnitShape: Sendable, Equatable {
    enum End: Sendable { case commit, rollback }

    var statementCount = 0
    /// Whether its first statement opens a transaction.
    var begins = false
    /// How its last statement ends the transaction, if it does.
    var end: End?
    /// Whether it has SQL that nobody looked into, which might commit.
    var isRaw = false
}

/// Where a session's transaction stands when nothing is owed.
enum TransactionStatus: Sendable, Equatable {
    case idle, open, failed, unknown
}

/// The units that one connection owes replies for, first in first out. Pure: replies come in, endings go out.
///
/// ```
///   sent ──▶ owed[0] … owed[n]          replies belong to owed[0] until its sync
///              │ reply, reply, … sync ─▶ succeed
///              │ failure, aborted, … sync ─▶ fail (rolledBack)
///              └ connectionLost ─▶ every unit ends: fail (rolledBack | unknown), or succeed if COMMIT was answered
/// ```
struct PipelineStateMachine<Ticket, Reply> {
    /// One unit that was handed to the connection and has not been answered completely.
    struct Owed {
        let ticket: Ticket
        let shape: UnitShape
        let startsInTransaction: Bool
        var replies: [Reply] = []
        /// The statements answered so far, and so the index of the one whose reply is next.
        var answered = 0
        var failure: (error: PostgresError, statement: Int)?

        /// Whether losing the connection now leaves open if the work is durable.
        var mayHaveCommitted: Bool {
            if shape.isRaw || shape.end == .commit { return true }
            if shape.end == .rollback { return false }
            return !(shape.begins || startsInTransaction)
        }

        /// Whether the server can't have reached the point where the work becomes durable, as its own reply, which
        /// comes in order, shows.
        var isBeforeCommitPoint: Bool {
            if shape.isRaw { return false }
            return shape.end == .commit ? answered < shape.statementCount - 1 : answered < shape.statementCount
        }
    }

    enum Ending {
        case succeed(Ticket, [Reply], TransactionStatus)
        /// `statement` is the index in the unit of the statement that failed, if one did.
        case fail(Ticket, PostgresError, statement: Int?, TransactionStatus)
    }

    enum ReplyReceivedAction: Equatable { case wait, discardConnection }

    enum SyncReceivedAction { case end(Ending), discardConnection }

    private(set) var owed: [Owed] = []
    /// Whether the last unit that was answered left a transaction open.
    private var isInTransaction = false

    /// Whether the reply that comes next is the one to COMMIT.
    var isCommitNext: Bool {
        guard let unit = owed.first else { return false }
        return unit.shape.end == .commit && unit.answered == unit.shape.statementCount - 1
    }

    /// A unit was handed to the connection.
    mutating func sent(_ ticket: Ticket, shape: UnitShape) {
        // Behind an unanswered unit nobody knows yet if a transaction will be open: the careful answer is no.
        owed.append(Owed(ticket: ticket, shape: shape, startsInTransaction: owed.isEmpty && isInTransaction))
    }

    /// A statement was answered.
    ///
    /// - Parameter isRollback: Whether the command tag is ROLLBACK; to COMMIT that means the transaction had failed.
    mutating func replyReceived(_ reply: Reply, isRollback: Bool = false) -> ReplyReceivedAction {
        guard let unit = owed.first, unit.failure == nil, unit.answered < unit.shape.statementCount else {
            return .discardConnection
        }
        if isCommitNext && isRollback {
            let error = PostgresError(
                code: .transactionAborted,
                outcome: .rolledBack,
                message: "COMMIT was answered with ROLLBACK: the transaction had failed before"
            )
            owed[0].failure = (error, unit.answered)
        } else {
            owed[0].replies.append(reply)
        }
        owed[0].answered += 1
        return .wait
    }

    /// A statement, or the implicit commit at the sync, was refused.
    mutating func failureReceived(_ error: PostgresError) -> ReplyReceivedAction {
        guard let unit = owed.first else { return .discardConnection }
        // A second error can only be the server ending the connection; the first one says what happened.
        guard unit.failure == nil else { return .wait }
        var error = error
        error.outcome =
            !error.isFatal || unit.isBeforeCommitPoint || !unit.mayHaveCommitted ? .rolledBack : .unknown
        owed[0].failure = (error, unit.answered)
        if unit.answered < unit.shape.statementCount { owed[0].answered += 1 }
        return .wait
    }

    /// A statement was skipped because one before it in the unit failed.
    mutating func abortedReceived() -> ReplyReceivedAction {
        guard let unit = owed.first, unit.failure != nil, unit.answered < unit.shape.statementCount else {
            return .discardConnection
        }
        owed[0].answered += 1
        return .wait
    }

    /// The unit was sent outside of the pipeline mode and is over: what stands behind a failure was not executed.
    mutating func simpleQueryEnded(transaction: TransactionStatus) -> SyncReceivedAction {
        guard let unit = owed.first else { return .discardConnection }
        if unit.failure != nil { owed[0].answered = unit.shape.statementCount }
        return syncReceived(transaction: transaction)
    }

    /// The unit's sync was answered, and with it the unit.
    mutating func syncReceived(transaction: TransactionStatus) -> SyncReceivedAction {
        guard let unit = owed.first, unit.answered == unit.shape.statementCount else { return .discardConnection }
        owed.removeFirst()
        isInTransaction = transaction == .open || transaction == .failed
        if let failure = unit.failure {
            return .end(.fail(unit.ticket, failure.error, statement: failure.statement, transaction))
        }
        return .end(.succeed(unit.ticket, unit.replies, transaction))
    }

    /// The connection is gone, or was given up; every owed unit ends.
    mutating func connectionLost(code: PostgresError.Code, message: String) -> [Ending] {
        let units = owed
        owed = []
        isInTransaction = false
        return units.map { unit in
            if let failure = unit.failure {
                return .fail(unit.ticket, failure.error, statement: failure.statement, .unknown)
            }
            // COMMIT was answered, only the sync behind it is missing: the work is durable and known to be.
            if unit.shape.end == .commit, unit.answered == unit.shape.statementCount {
                return .succeed(unit.ticket, unit.replies, .unknown)
            }
            let error = PostgresError(
                code: code,
                outcome: unit.mayHaveCommitted ? .unknown : .rolledBack,
                message: message
            )
            return .fail(unit.ticket, error, statement: nil, .unknown)
        }
    }
}
