import Testing

/// Free runs: by number and by time, and what a spent grant does to its model.
@Suite struct GrantRules {
    @Test("grants of a number of runs", arguments: Rule.all(in: countedSheet))
    func counted(rule: Rule) { #expect(rule.failures() == []) }

    @Test("grants of a time", arguments: Rule.all(in: timedSheet))
    func timed(rule: Rule) { #expect(rule.failures() == []) }

    @Test("several grants, spent ones and revoked ones", arguments: Rule.all(in: severalSheet))
    func several(rule: Rule) { #expect(rule.failures() == []) }
}

private let countedSheet = """
    ## A grant pays for its runs, then blocks its model even with a full balance
    account business
    pot gift top-up 100
    grant trial image runs 2
    run a image quote 40 -> admitted, free by trial, balance 100, held 0, grant trial used 0 and 1 held
    succeed a cost 40 -> settled, charged 0, debited 0, balance 100, grant trial used 1
    run b image quote 40 -> admitted, free by trial
    succeed b cost 1 -> settled, charged 0, grant trial used 2
    run c image quote 40 -> refused grant_exhausted granted 2 used 2, balance 100, held 0, can't change
    run d video quote 40 -> admitted, free by none, held 40

    ## Runs on hold count as used
    account business
    grant trial image runs 2
    2x run a image quote 40 -> admitted, free by trial
    run b image quote 40 -> refused grant_exhausted granted 2 used 2, grant trial used 0 and 2 held, could change

    ## A failed run is given back
    account business
    grant trial image runs 1
    run a image quote 40
    fail a -> settled, events execution.failed grant.released, grant trial used 0
    run b image quote 40 -> admitted, free by trial

    ## A run nobody knows the end of keeps its place in the grant until its time is up
    account business
    grant trial image runs 1
    run a image quote 40
    unresolved a -> settled, grant trial used 0 and 1 held
    run b image quote 40 -> refused grant_exhausted granted 1 used 1, could change
    at 11:06
    run c image quote 40 -> admitted, free by trial, grant trial used 0 and 1 held

    ## A run nobody knows the end of uses up its place where the definition charges
    account business
    pot gift top-up 100
    grant trial image runs 1
    run a image quote 40 expiry charges
    at 11:06
    run b image quote 40 -> refused grant_exhausted granted 1 used 1, grant trial used 1, balance 100, can't change

    ## A free run that costs more than its quote costs the customer nothing
    account business
    grant trial image runs 1
    run a image quote 40
    succeed a cost 45 -> settled, charged 0, absorbed 5, grant trial used 1

    ## A free run is settled once
    account business
    grant trial image runs 2
    run a image quote 40
    succeed a cost 40 -> settled, grant trial used 1
    again -> repeat, no events, grant trial used 1
    fail a -> repeat, no events, grant trial used 1

    ## A free run needs no credits
    account business
    grant trial image runs 1
    run a image quote 40 -> admitted, free by trial
    run b video quote 40 -> refused INSUFFICIENT_CREDITS required 40 available 0

    ## An expired grant is spent, whatever is left of it
    account business
    pot gift top-up 100
    grant trial image runs 5 expires in 1h
    run a image quote 40 -> admitted, free by trial
    succeed a cost 40
    at 11:00:01
    run b image quote 40 -> refused grant_exhausted granted 5 used 1
    """

private let timedSheet = """
    ## The first run opens the time, and any number of runs fit into it
    account business
    pot gift top-up 100
    grant trial image for 1h
    wait 30m
    run a image quote 40 -> admitted, free by trial, grant trial used 0 and 1 held open 10:30 to 11:30
    succeed a cost 40 -> settled, charged 0, grant trial used 1 open 10:30 to 11:30
    at 11:29:59
    3x run b image quote 40 -> admitted, free by trial, held 0
    at 11:30:01
    run c image quote 40 -> refused grant_exhausted open 10:30 to 11:30, balance 100

    ## Opening is an event of its own, before the first hold and never again
    account business
    grant trial image for 1h
    run a image quote 40 -> admitted, events request.received capability.granted rate_limit.counted grant.opened grant.held
    run b image quote 40 -> admitted, events request.received capability.granted rate_limit.counted grant.held

    ## A failed first run has opened the time all the same
    account business
    grant trial image for 1h
    run a image quote 40
    fail a -> settled, grant trial used 0 open 10:00 to 11:00
    at 11:00:01
    run b image quote 40 -> refused grant_exhausted open 10:00 to 11:00

    ## A run held before the end may settle after it
    account business
    grant trial image for 1h
    at 10:59
    run a image quote 40
    at 12:30
    succeed a cost 40 -> settled, charged 0, grant trial used 1 open 10:59 to 11:59

    ## A refused run does not open the time
    account business
    grant trial image for 1h
    run a image quote 40 needs enterprise -> refused MODEL_TIER_REQUIRED required enterprise on business, grant trial used 0

    ## A time that was never opened ends with the grant
    account business
    grant trial image for 1h expires in 2h
    at 12:00:01
    run a image quote 40 -> refused grant_exhausted open never to never

    ## The grant's expiry cuts an open time short
    account business
    grant trial image for 2h expires in 1h
    run a image quote 40 -> admitted, grant trial used 0 and 1 held open 10:00 to 12:00
    at 11:00:01
    run b image quote 40 -> refused grant_exhausted open 10:00 to 12:00
    """

private let severalSheet = """
    ## The grant that expires first pays first
    account business
    grant never image runs 1
    grant late image runs 1 expires in 2d
    grant soon image runs 1 expires in 1d
    run a image quote 40 -> admitted, free by soon
    run b image quote 40 -> admitted, free by late
    run c image quote 40 -> admitted, free by never

    ## On the same expiry the lower id pays first
    account business
    grant second image runs 1 with id 900
    grant first image runs 1 with id 800
    run a image quote 40 -> admitted, free by first

    ## A live grant beside a spent one pays
    account business
    grant old image runs 1
    run a image quote 40
    grant fresh image runs 1
    run b image quote 40 -> admitted, free by fresh

    ## A spent grant blocks even when another one only waits for its held run
    account business
    grant old image runs 1 with id 800
    run a image quote 40
    succeed a cost 1
    grant other image runs 1 with id 900
    run b image quote 40 -> admitted, free by other
    run c image quote 40 -> refused grant_exhausted granted 1 used 1, could change

    ## A plan above the grant's lifts the block
    account business
    pot gift top-up 100
    grant trial image runs 1
    run a image quote 40
    run b image quote 40 -> refused grant_exhausted granted 1 used 1
    tier enterprise
    run c image quote 40 -> admitted, free by none, held 40

    ## A grant given on the higher plan blocks there too
    account enterprise
    pot gift top-up 100
    grant trial image runs 1
    run a image quote 40
    run b image quote 40 -> refused grant_exhausted granted 1 used 1

    ## A grant still pays on a plan above its own
    account business
    pot gift top-up 100
    grant trial image runs 1
    tier enterprise
    run a image quote 40 -> admitted, free by trial
    run b image quote 40 -> admitted, free by none

    ## Where a held free run could still come back, a refusal for want of credits is not final
    account business
    grant trial image runs 1
    tier enterprise
    run a image quote 40 -> admitted, free by trial
    run b image quote 40 -> refused INSUFFICIENT_CREDITS required 40 available 0, could change

    ## A revoked grant neither pays nor blocks
    account business
    pot gift top-up 100
    grant trial image runs 1
    revoke grant trial -> done, events grant.revoked
    run a image quote 40 -> admitted, free by none, held 40

    ## A spent grant that is revoked stops blocking
    account business
    pot gift top-up 100
    grant trial image runs 1
    run a image quote 40
    run b image quote 40 -> refused grant_exhausted granted 1 used 1
    revoke grant trial
    run c image quote 40 -> admitted, free by none

    ## A run held by a grant that is revoked meanwhile stays free
    account business
    pot gift top-up 100
    grant trial image runs 1
    run a image quote 40
    revoke grant trial
    succeed a cost 40 -> settled, charged 0, balance 100, grant trial used 1

    ## An account with a free run under way can't be closed
    account business
    grant trial image runs 1
    run a image quote 40
    close -> refused ACCOUNT_IN_USE, no events
    fail a
    close -> done
    """
