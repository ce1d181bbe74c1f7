import Ledger
import Testing

/// Saving and running graphs of models.
@Suite struct WorkflowRules {
    @Test("documents", arguments: Rule.all(in: documentSheet))
    func documents(rule: Rule) { #expect(rule.failures() == []) }

    @Test("runs", arguments: Rule.all(in: runSheet))
    func runs(rule: Rule) { #expect(rule.failures() == []) }

    @Test("a cost that is not the sum of the nodes is found by whoever knows them")
    func costs() throws {
        var world = World()
        for line in [
            "account business", "pot gift top-up 100", "start w flow image 40", "node n of w image quote 40",
            "succeed n cost 30", "workflow w failed at cost 31",
        ] {
            for act in try Act.all(in: line, world: &world) { world.perform(act) }
        }
        let event = try #require(world.decision?.events.last)
        #expect(world.state.costFault(of: event) == "the workflow cost 31, and its nodes 30")
    }
}

private let documentSheet = """
    ## Versions come one after the other
    account business
    save flow 1 -> done, events workflow.saved
    save flow 1 -> refused WORKFLOW_SLUG_TAKEN, no events
    save flow 2 -> done, events workflow.saved
    save flow 2 -> refused WORKFLOW_CHANGED, no events
    save flow 4 -> refused WORKFLOW_CHANGED, no events

    ## A name that somebody else has is not given, and one that was deleted is not given again
    account business
    save flow 1 taken by somebody else -> refused WORKFLOW_SLUG_TAKEN, no events
    save flow 2 -> refused WORKFLOW_NOT_FOUND, no events
    delete flow -> refused WORKFLOW_NOT_FOUND, no events
    save mine 1 -> done
    delete mine -> done, events workflow.deleted
    delete mine -> refused WORKFLOW_NOT_FOUND, no events
    save mine 1 -> refused WORKFLOW_SLUG_TAKEN, no events
    save mine 2 -> refused WORKFLOW_NOT_FOUND, no events

    ## Only a key that may write can save
    account business
    key weak workflow:run
    save flow 1 with key weak -> refused CAPABILITY_DENIED required workflow:write, no events
    save flow 1 with key nobody -> refused UNAUTHORIZED, no events
    revoke key main
    save flow 1 -> refused UNAUTHORIZED, no events
    """

private let runSheet = """
    ## Each node is held and charged for itself under one run, which holds nothing
    account business
    pot gift top-up 100
    start w flow image 40 clip ? -> admitted, events request.received capability.granted rate_limit.counted workflow.started, held 0
    node n of w image quote 40 -> admitted, events credits.held, held 40
    node m of w clip quote 20 -> admitted, held 60
    succeed n cost 30 -> settled, charged 30, balance 70, held 20
    fail m -> settled, released 20, balance 70, held 0
    workflow w failed at cost 30 -> settled, events execution.failed, charged 30, status failed, balance 70
    workflow w failed at cost 30 -> repeat, no events

    ## A node is held once, whoever asks
    account business
    pot gift top-up 100
    start w flow image 40
    node n of w image quote 40 -> admitted, held 40
    node n of w image quote 40 -> already admitted, no events, held 40
    succeed n cost 40 -> settled, balance 60
    node n of w image quote 40 -> already admitted, no events, balance 60

    ## A plan without a right to models runs them in a workflow, within its tier
    account pro without key
    key p workflow:run
    pot gift top-up 100
    run a image quote 4 with key p -> refused CAPABILITY_DENIED required model:image:run
    start w flow image 40 with key p -> admitted, limit 100 left 99 reset 10:01 retry 60
    node n of w image quote 40 with key p -> admitted, held 40, limit none
    node m of w image needs business quote 4 with key p -> refused MODEL_TIER_REQUIRED required business on pro, events request.refused
    start v flow needs business image 4 with key p -> refused MODEL_TIER_REQUIRED required business on pro

    ## A key for one workflow runs that one
    account business
    key one workflow:flow:run
    start w flow image ? with key one -> admitted
    start v other image ? with key one -> refused CAPABILITY_DENIED required workflow:other:run, events request.received capability.denied

    ## What is known to be too dear does not begin
    account business
    pot gift top-up 50
    start w flow image 30 clip 30 -> refused INSUFFICIENT_CREDITS required 60 available 50, events request.received capability.granted rate_limit.counted credits.refused
    start v flow image 30 clip ? -> admitted
    node n of v image quote 30 -> admitted
    node m of v clip quote 30 -> refused INSUFFICIENT_CREDITS required 30 available 20, held 30

    ## Grants pay for nodes, and a spent one blocks the workflow
    account business
    grant g image runs 1
    start w flow image 40 -> admitted
    node n of w image quote 40 -> admitted, grant g used 0 and 1 held, held 0
    succeed n cost 40 -> settled, grant g used 1, charged 0
    start v flow image 40 -> refused grant_exhausted granted 1 used 1

    ## Workflows that are not there or can't run are refused, and counted
    account pro without key
    key p workflow:run
    start w flow unknown with key p -> refused WORKFLOW_NOT_FOUND, limit 100 left 99 reset 10:01 retry 60
    start w flow invalid with key p -> refused INVALID_WORKFLOW, limit 100 left 98 reset 10:01 retry 60

    ## Nothing begins after a wish to cancel, without a key, or once the run has ended
    account business
    pot gift top-up 100
    start w flow image 40
    node n of w image quote 40
    cancel w -> cancel requested, events execution.cancel_requested
    node m of w image quote 40 -> refused EXECUTION_NOT_CANCELLABLE, no events
    cancel n -> cancel requested
    succeed n cost 40
    cancelled w -> settled, events execution.cancelled, status cancelled, balance 60
    start v flow image 40
    revoke key main
    node o of v image quote 40 -> refused UNAUTHORIZED, events request.refused, held 0

    ## A run that nobody ends is given up in the end
    account business
    pot gift top-up 100
    start w flow image 40
    node n of w image quote 40
    succeed n cost 30
    expire w at cost 30 -> refused HOLD_NOT_EXPIRED, no events
    wait 5h
    node m of w image quote 40 -> refused EXECUTION_NOT_CANCELLABLE, no events
    run a image quote 4 -> admitted, events request.received capability.granted rate_limit.counted credits.held
    expire w at cost 30 -> done, events execution.failed, charged 30, status failed, held 4, balance 70
    expire w at cost 30 -> already done, no events
    """
