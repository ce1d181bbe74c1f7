import Testing

/// Credits: where they are drawn from, what becomes of a hold, and what an operator may correct.
@Suite struct MoneyRules {
    @Test("drawing on pots", arguments: Rule.all(in: drawingSheet))
    func drawing(rule: Rule) { #expect(rule.failures() == []) }

    @Test("ending a hold", arguments: Rule.all(in: endingSheet))
    func ending(rule: Rule) { #expect(rule.failures() == []) }

    @Test("runs whose answer never came", arguments: Rule.all(in: unresolvedSheet))
    func unresolved(rule: Rule) { #expect(rule.failures() == []) }
}

private let drawingSheet = """
    ## A run holds its quote and pays its cost
    account business
    pot plan plan 100 expires in 1h
    pot gift top-up 50
    run a image quote 40 -> admitted, balance 150, held 40, available 110, draws plan 40, pot plan 60 and 40 held
    succeed a cost 30 -> settled, debited 30, released 10, balance 120, held 0, charged 30, pot plan 70
    run b image quote 500 -> refused INSUFFICIENT_CREDITS required 500 available 120, balance 120, held 0

    ## The pot that expires first pays first, and one that never expires pays last
    account business
    pot never plan 100
    pot late plan 100 expires in 2d
    pot soon top-up 100 expires in 1d
    run a image quote 250 -> admitted, draws soon 100 + late 100 + never 50, balance 300, held 250

    ## On the same expiry the plan pays before the top-up
    account business
    pot bought top-up 100 expires in 1d
    pot plan plan 100 expires in 1d
    run a image quote 150 -> admitted, draws plan 100 + bought 50

    ## Without any expiry the plan pays before the top-up
    account business
    pot bought top-up 100
    pot plan plan 100
    run a image quote 150 -> admitted, draws plan 100 + bought 50

    ## On the same expiry and kind the lower id pays first
    account business
    pot second top-up 100 with id 900
    pot first top-up 100 with id 800
    run a image quote 150 -> admitted, draws first 100 + second 50

    ## A pot that is all on hold is passed over
    account business
    pot soon top-up 40 expires in 1d
    pot later top-up 40 expires in 2d
    run a image quote 40 -> admitted, draws soon 40
    run b image quote 10 -> admitted, draws later 10

    ## Credits on hold are not available to another run
    account business
    pot gift top-up 50
    run a image quote 40 -> admitted, balance 50, held 40
    run b image quote 11 -> refused INSUFFICIENT_CREDITS required 11 available 10, held 40
    run c image quote 10 -> admitted, held 50
    run d image quote 0.000001 -> refused INSUFFICIENT_CREDITS required 0.000001 available 0

    ## What is left in an expired pot does not count when a run is decided
    account business
    pot plan plan 100 expires in 1h
    pot gift top-up 50
    at 11:00
    run a image quote 60 -> refused INSUFFICIENT_CREDITS required 60 available 50, expired 100, balance 50, pot plan 0
    run b image quote 50 -> admitted, draws gift 50, expired 0

    ## A pot still counts in the last microsecond before its expiry
    account business
    pot plan plan 100 expires at 11:00
    at 10:59:59.999990
    run a image quote 60 -> admitted, draws plan 60

    ## A pot that expires while the decision is being written does not pay for it
    account business
    pot first plan 100 expires at 11:00
    pot next plan 50 expires at 11:00:00.000004
    at 11:00
    run a image quote 50 -> refused INSUFFICIENT_CREDITS required 50 available 0, expired 150, balance 0

    ## A hold keeps credits of a pot that expires meanwhile
    account business
    pot plan plan 100 expires in 1h
    run a image quote 100
    at 11:00:30
    succeed a cost 70 -> settled, debited 70, released 30, balance 30, pot plan 30
    run b image quote 10 -> refused INSUFFICIENT_CREDITS required 10 available 0, expired 30, balance 0, pot plan 0
    """

private let endingSheet = """
    ## A partial debit takes from the pots in the order they were drawn, and the rest goes back exactly where it was
    account business
    pot soon top-up 100 expires in 1d
    pot late top-up 100 expires in 2d
    pot never top-up 100
    run a image quote 250
    succeed a cost 120 -> settled, debited 120, released 130, pot soon 0, pot late 80, pot never 100, balance 180, held 0

    ## A failure gives everything back to the pots it came from
    account business
    pot soon top-up 100 expires in 1d
    pot late top-up 100 expires in 2d
    run a image quote 150 -> admitted, pot soon 0 and 100 held, pot late 50 and 50 held
    pot sooner top-up 100 expires in 1h
    fail a -> settled, released 150, debited 0, pot soon 100, pot late 100, pot sooner 100, held 0, balance 300

    ## A failure is never charged
    account business
    pot gift top-up 50
    run a image quote 40
    fail a -> settled, charged 0, status failed, events execution.failed credits.released

    ## The whole quote may be the cost; nothing is left to release
    account business
    pot gift top-up 50
    run a image quote 40
    succeed a cost 40 -> settled, charged 40, events execution.succeeded credits.debited, balance 10, held 0

    ## A run may cost nothing; nothing is debited
    account business
    pot gift top-up 50
    run a image quote 40
    succeed a cost 0 -> settled, charged 0, events execution.succeeded credits.released, balance 50, held 0

    ## What a provider charges above the quote is ours to bear
    account business
    pot gift top-up 50
    run a image quote 40
    succeed a cost 45.5 -> settled, charged 40, debited 40, absorbed 5.5, released 0, balance 10, held 0

    ## A run is settled once, whatever is said later
    account business
    pot gift top-up 50
    run a image quote 40
    succeed a cost 30 -> settled, charged 30
    again -> repeat, no events, charged 30
    succeed a cost 40 -> repeat, no events, balance 20
    fail a -> repeat, no events, balance 20
    unresolved a -> repeat, no events, status succeeded
    expire a -> already done, no events

    ## A run that failed can't succeed later
    account business
    pot gift top-up 50
    run a image quote 40
    fail a
    succeed a cost 40 -> repeat, no events, balance 50, status failed

    ## A run is admitted once, and asking again dispatches nothing
    account business
    pot gift top-up 50
    run a image quote 40
    again -> already admitted, no events, held 40
    run a image quote 10 -> already admitted, no events, held 40
    succeed a cost 30
    run a image quote 40 -> already admitted, no events, held 0, balance 20

    ## An admission stands when its key is revoked afterwards
    account business
    pot gift top-up 50
    run a image quote 40
    revoke key main
    run a image quote 40 -> already admitted, no events
    succeed a cost 30 -> settled, charged 30

    ## Nobody can settle a run that was never admitted
    account business
    pot gift top-up 50
    run a image quote 60 -> refused INSUFFICIENT_CREDITS required 60 available 50
    succeed a cost 10 -> refused EXECUTION_NOT_FOUND, no events, balance 50
    submitted a -> refused EXECUTION_NOT_FOUND, no events

    ## A provider's own id is noted once
    account business
    pot gift top-up 50
    run a image quote 40
    submitted a -> done, events execution.submitted, status submitted, held 40
    submitted a -> already done, no events
    succeed a cost 1
    submitted a -> already done, no events, status succeeded
    """

private let unresolvedSheet = """
    ## While nobody knows how a run ended, its hold stands
    account business
    pot gift top-up 50
    run a image quote 40
    unresolved a -> settled, status unresolved, events execution.unresolved, held 40, balance 50
    unresolved a -> repeat, no events, held 40
    run b image quote 20 -> refused INSUFFICIENT_CREDITS required 20 available 10, could change

    ## The truth, when it comes late, ends the hold: a success
    account business
    pot gift top-up 50
    run a image quote 40
    unresolved a
    wait 10m
    succeed a cost 30 -> settled, charged 30, released 10, held 0, status succeeded

    ## The truth, when it comes late, ends the hold: a failure
    account business
    pot gift top-up 50
    run a image quote 40
    unresolved a
    wait 10m
    fail a -> settled, charged 0, released 40, held 0, status failed

    ## A hold whose time is up is released where the definition says so
    account business
    pot gift top-up 50
    run a image quote 40
    unresolved a
    at 11:04
    expire a -> refused HOLD_NOT_EXPIRED, no events, held 40
    at 11:06
    expire a -> done, released 40, debited 0, held 0, status failed, events execution.failed credits.released
    expire a -> already done, no events
    succeed a cost 30 -> repeat, no events, charged 0, balance 50

    ## A hold whose time is up is charged where the definition says so
    account business
    pot gift top-up 50
    run a image quote 40 expiry charges
    unresolved a
    at 11:06
    expire a -> done, debited 40, released 0, held 0, balance 10, charged 40, status succeeded
    fail a -> repeat, no events, balance 10

    ## A hold whose time is up does not stand in the way of the next run
    account business
    pot gift top-up 50
    run a image quote 40
    at 11:06
    run b image quote 50 -> admitted, released 40, held 50, balance 50

    ## A hold whose time is up and that is charged leaves less for the next run
    account business
    pot gift top-up 50
    run a image quote 40 expiry charges
    at 11:06
    run b image quote 50 -> refused INSUFFICIENT_CREDITS required 50 available 10, debited 40, balance 10, can't change

    ## The truth still counts after the hold's time, as long as nobody has applied the policy
    account business
    pot gift top-up 50
    run a image quote 40
    at 11:06
    succeed a cost 30 -> settled, charged 30

    ## A hold released into a pot that has expired meanwhile makes nothing available
    account business
    pot plan plan 50 expires in 1h
    run a image quote 50
    at 11:06
    run b image quote 1 -> refused INSUFFICIENT_CREDITS required 1 available 0, released 50, expired 50, balance 0

    ## An account whose last hold has run out can be closed
    account business
    pot gift top-up 50
    run a image quote 40
    close -> refused ACCOUNT_IN_USE, no events, could change
    at 11:06
    close -> done, released 40, held 0
    """
