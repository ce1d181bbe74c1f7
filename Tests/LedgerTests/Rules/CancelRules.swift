import Ledger
import Testing

/// Ending a run before its time.
@Suite struct CancelRules {
    @Test("cancelling", arguments: Rule.all(in: cancelSheet))
    func cancelling(rule: Rule) { #expect(rule.failures() == []) }

    @Test("whether a run was asynchronous follows from its hold, and only from that")
    func asynchronous() throws {
        var world = World()
        let lines = ["account business", "pot gift top-up 50", "run a image quote 4 async", "run b image quote 4"]
        for line in lines {
            for act in try Act.all(in: line, world: &world) { world.perform(act) }
        }
        let runs = ["a", "b"].map { ExecutionID(world.id("run", $0)) }
        #expect(runs.map { world.state.executions[$0]?.isAsync } == [true, false])
    }
}

private let cancelSheet = """
    ## A run that was not sent yet is cancelled at once, and everything comes back
    account business
    pot gift top-up 50
    run a image quote 40 async
    cancel a before it is sent -> cancelled, events execution.cancel_requested execution.cancelled credits.released, released 40, held 0, balance 50, status cancelled
    cancel a -> cancelled, no events
    succeed a cost 30 -> repeat, no events, charged 0, balance 50

    ## A wish to cancel work that was sent is noted once, and the hold stands
    account business
    pot gift top-up 50
    run a image quote 40 async
    submitted a
    cancel a -> cancel requested, events execution.cancel_requested, held 40, status submitted
    cancel a -> cancel requested, no events, held 40

    ## A result that arrives after the wish is charged
    account business
    pot gift top-up 50
    run a image quote 40 async
    submitted a
    cancel a -> cancel requested
    succeed a cost 30 -> settled, charged 30, released 10, status succeeded
    cancel a -> refused EXECUTION_NOT_CANCELLABLE, no events

    ## Work that the provider gave up is released
    account business
    pot gift top-up 50
    run a image quote 40 async
    submitted a
    cancel a -> cancel requested
    cancelled a -> settled, events execution.cancelled credits.released, released 40, charged 0, status cancelled
    cancel a -> cancelled, no events

    ## A free run that is cancelled is given back
    account business
    grant g image 1 runs
    run a image quote 40 async
    cancel a before it is sent -> cancelled, grant g used 0, held 0
    run b image quote 40 -> admitted, grant g used 0 and 1 held

    ## A run that is unresolved can be asked to be cancelled
    account business
    pot gift top-up 50
    run a image quote 40 async
    unresolved a
    cancel a -> cancel requested, held 40, status unresolved
    cancelled a -> settled, released 40, status cancelled

    ## A run that failed can't be cancelled
    account business
    pot gift top-up 50
    run a image quote 40
    fail a
    cancel a -> refused EXECUTION_NOT_CANCELLABLE, no events
    cancel a before it is sent -> refused EXECUTION_NOT_CANCELLABLE, no events

    ## Nobody can cancel what was never admitted, or without a key that may
    account business
    pot gift top-up 50
    cancel a -> refused EXECUTION_NOT_FOUND, no events
    run a image quote 40 async
    cancel a with key other -> refused UNAUTHORIZED, no events
    key weak model:run
    cancel a with key weak -> refused CAPABILITY_DENIED required execution:cancel, events capability.denied, held 40
    revoke key main
    cancel a -> refused UNAUTHORIZED, no events, held 40
    """
