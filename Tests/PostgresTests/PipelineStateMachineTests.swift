import Testing

@testable import Postgres

@Suite("Pipeline state machine")
struct PipelineStateMachineTests {
    typealias Machine = PipelineStateMachine<Int, String>

    /// What a unit came to, comparable.
    enum Outcome: Equatable {
        case success(Int, [String])
        case failure(Int, PostgresError.Code, PostgresError.Outcome, statement: Int?)

        init(_ ending: Machine.Ending) {
            switch ending {
            case .succeed(let ticket, let replies, _): self = .success(ticket, replies)
            case .fail(let ticket, let error, let statement, _):
                self = .failure(ticket, error.code, error.outcome, statement: statement)
            }
        }
    }

    static let transaction = UnitShape(statementCount: 3, begins: true, end: .commit)
    static let opening = UnitShape(statementCount: 2, begins: true)
    static let inside = UnitShape(statementCount: 1)
    static let closing = UnitShape(statementCount: 2, end: .commit)
    static let abandoning = UnitShape(statementCount: 2, end: .rollback)
    static let raw = UnitShape(statementCount: 1, isRaw: true)

    static let refusal = PostgresError(code: .serverError, outcome: .unknown, message: "refused", sqlState: "23505")
    static let fatal = PostgresError(
        code: .connectionLost,
        outcome: .unknown,
        message: "terminated",
        sqlState: "57P01",
        isFatal: true
    )

    func sync(_ machine: inout Machine, _ transaction: TransactionStatus = .idle) -> Outcome? {
        guard case .end(let ending) = machine.syncReceived(transaction: transaction) else { return nil }
        return Outcome(ending)
    }

    func lose(_ machine: inout Machine) -> [Outcome] {
        machine.connectionLost(code: .connectionLost, message: "gone").map(Outcome.init)
    }

    @Test("replies are handed out by position, a unit at a time")
    func inOrder() {
        var machine = Machine()
        machine.sent(1, shape: Self.inside)
        machine.sent(2, shape: Self.transaction)
        #expect(machine.replyReceived("a") == .wait)
        #expect(sync(&machine) == .success(1, ["a"]))
        for reply in ["b", "c", "d"] { #expect(machine.replyReceived(reply) == .wait) }
        #expect(sync(&machine) == .success(2, ["b", "c", "d"]))
        #expect(machine.owed.isEmpty)
    }

    @Test("a refusal fails its unit with the statement's index and leaves the next unit alone")
    func refused() {
        var machine = Machine()
        machine.sent(1, shape: Self.transaction)
        machine.sent(2, shape: Self.inside)
        _ = machine.replyReceived("begin")
        #expect(machine.failureReceived(Self.refusal) == .wait)
        #expect(machine.abortedReceived() == .wait)
        #expect(sync(&machine, .failed) == .failure(1, .serverError, .rolledBack, statement: 1))
        _ = machine.replyReceived("next")
        #expect(sync(&machine) == .success(2, ["next"]))
    }

    @Test("a refusal at the sync itself, by a deferred constraint, fails the unit")
    func refusedAtSync() {
        var machine = Machine()
        machine.sent(1, shape: Self.inside)
        _ = machine.replyReceived("insert")
        #expect(machine.failureReceived(Self.refusal) == .wait)
        #expect(sync(&machine) == .failure(1, .serverError, .rolledBack, statement: 1))
    }

    @Test("COMMIT that is answered with ROLLBACK is a failure")
    func commitAnsweredWithRollback() {
        var machine = Machine()
        machine.sent(1, shape: Self.closing)
        _ = machine.replyReceived("select")
        #expect(machine.isCommitNext)
        #expect(machine.replyReceived("commit", isRollback: true) == .wait)
        #expect(sync(&machine) == .failure(1, .transactionAborted, .rolledBack, statement: 1))
    }

    @Test("an intended ROLLBACK is a success")
    func intendedRollback() {
        var machine = Machine()
        machine.sent(1, shape: Self.abandoning)
        _ = machine.replyReceived("select")
        _ = machine.replyReceived("rollback", isRollback: true)
        #expect(sync(&machine) == .success(1, ["select", "rollback"]))
    }

    @Test(
        "a connection lost before any reply: unknown whenever the unit could commit, else rolledBack",
        arguments: [
            (transaction, PostgresError.Outcome.unknown), (opening, .rolledBack), (inside, .unknown),
            (closing, .unknown), (abandoning, .rolledBack), (raw, .unknown),
        ]
    )
    func lostAtOnce(shape: UnitShape, outcome: PostgresError.Outcome) {
        var machine = Machine()
        machine.sent(1, shape: shape)
        #expect(lose(&machine) == [.failure(1, .connectionLost, outcome, statement: nil)])
        #expect(machine.owed.isEmpty)
    }

    @Test("inside of a transaction that an earlier unit opened, a lost unit without COMMIT is rolledBack")
    func lostInOpenTransaction() {
        var machine = Machine()
        machine.sent(1, shape: Self.opening)
        _ = machine.replyReceived("begin")
        _ = machine.replyReceived("lock")
        _ = sync(&machine, .open)
        machine.sent(2, shape: Self.inside)
        #expect(lose(&machine) == [.failure(2, .connectionLost, .rolledBack, statement: nil)])
    }

    @Test("once that transaction is over, a lost single statement is unknown again")
    func lostAfterTransaction() {
        var machine = Machine()
        machine.sent(1, shape: Self.opening)
        _ = machine.replyReceived("begin")
        _ = machine.replyReceived("lock")
        _ = sync(&machine, .open)
        machine.sent(2, shape: Self.closing)
        _ = machine.replyReceived("write")
        _ = machine.replyReceived("commit")
        _ = sync(&machine, .idle)
        machine.sent(3, shape: Self.inside)
        #expect(lose(&machine) == [.failure(3, .connectionLost, .unknown, statement: nil)])
    }

    @Test("a raw BEGIN counts as soon as the server reports the open transaction")
    func rawBegin() {
        var machine = Machine()
        machine.sent(1, shape: Self.raw)
        _ = machine.replyReceived("begin")
        _ = sync(&machine, .open)
        machine.sent(2, shape: Self.inside)
        #expect(lose(&machine) == [.failure(2, .connectionLost, .rolledBack, statement: nil)])
    }

    @Test("behind an unanswered unit nobody can know if a transaction is open: unknown")
    func pipelinedBehindOpening() {
        var machine = Machine()
        machine.sent(1, shape: Self.opening)
        machine.sent(2, shape: Self.inside)
        #expect(
            lose(&machine) == [
                .failure(1, .connectionLost, .rolledBack, statement: nil),
                .failure(2, .connectionLost, .unknown, statement: nil),
            ]
        )
    }

    @Test("COMMIT that was answered is a success, although its sync was lost")
    func lostBehindCommit() {
        var machine = Machine()
        machine.sent(1, shape: Self.closing)
        _ = machine.replyReceived("write")
        _ = machine.replyReceived("commit")
        #expect(lose(&machine) == [.success(1, ["write", "commit"])])
    }

    @Test("all replies of a unit without COMMIT prove nothing before its sync")
    func lostBehindImplicit() {
        var machine = Machine()
        machine.sent(1, shape: Self.inside)
        _ = machine.replyReceived("write")
        #expect(lose(&machine) == [.failure(1, .connectionLost, .unknown, statement: nil)])
    }

    @Test("a failure that was received before the loss keeps its outcome")
    func lostBehindFailure() {
        var machine = Machine()
        machine.sent(1, shape: Self.transaction)
        _ = machine.replyReceived("begin")
        _ = machine.failureReceived(Self.refusal)
        #expect(lose(&machine) == [.failure(1, .serverError, .rolledBack, statement: 1)])
    }

    @Test("the server's own last word, in order, tells if COMMIT was reached", arguments: 0...3)
    func fatal(repliesBefore: Int) {
        var machine = Machine()
        machine.sent(1, shape: Self.transaction)
        for index in 0..<repliesBefore { _ = machine.replyReceived("\(index)") }
        #expect(machine.failureReceived(Self.fatal) == .wait)
        // 0 and 1: before COMMIT. 2: COMMIT may be done already. 3: COMMIT was answered.
        let outcome: PostgresError.Outcome = repliesBefore < 2 ? .rolledBack : .unknown
        #expect(lose(&machine) == [.failure(1, .connectionLost, outcome, statement: repliesBefore)])
    }

    @Test("replies that nothing was sent for discard the connection")
    func unowed() {
        var machine = Machine()
        #expect(machine.replyReceived("?") == .discardConnection)
        #expect(machine.failureReceived(Self.refusal) == .discardConnection)
        #expect(machine.abortedReceived() == .discardConnection)
        #expect(sync(&machine) == nil)
    }

    @Test("a sync before every statement was answered, too many replies, or aborted without a failure discard it")
    func outOfOrder() {
        var machine = Machine()
        machine.sent(1, shape: Self.closing)
        #expect(machine.abortedReceived() == .discardConnection)
        _ = machine.replyReceived("write")
        #expect(sync(&machine) == nil)
        _ = machine.replyReceived("commit")
        #expect(machine.replyReceived("more") == .discardConnection)
        // Still owed, so that the loss of the connection answers it.
        #expect(lose(&machine) == [.success(1, ["write", "commit"])])
    }
}
