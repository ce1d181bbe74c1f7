import Testing

/// What operators do to an account, and everything they may be refused.
@Suite struct AccountRules {
    @Test("operators' commands", arguments: Rule.all(in: commandsSheet))
    func commands(rule: Rule) { #expect(rule.failures() == []) }

    @Test("operators' commands that are refused", arguments: Rule.all(in: refusalsSheet))
    func refusals(rule: Rule) { #expect(rule.failures() == []) }

    @Test("a plan that no longer allows what a key holds", arguments: Rule.all(in: standingSheet))
    func standing(rule: Rule) { #expect(rule.failures() == []) }
}

private let commandsSheet = """
    ## A command given twice is carried out once
    account business
    pot gift top-up 50 -> done, balance 50, events credits.added
    again -> already done, no events, balance 50
    adjust gift by -20 because typo -> done, balance 30, events credits.adjusted
    again -> already done, no events, balance 30
    grant trial image runs 1 -> done, events grant.issued
    again -> already done, no events
    key robot model:run -> done, events key.issued
    again -> already done, no events
    revoke key robot -> done, events key.revoked
    again -> already done, no events
    revoke grant trial -> done
    again -> already done, no events
    tier enterprise -> done, events account.tier_changed
    again -> already done, no events
    disapprove -> done, events account.approved
    again -> already done, no events
    close -> done, events account.closed
    again -> already done, no events

    ## Opening an account twice opens one
    open business -> done, events account.opened
    again -> already done, no events
    open business -> refused ACCOUNT_EXISTS, no events

    ## Revoking what is revoked is no mistake
    account business
    key robot model:run
    revoke key robot
    revoke key robot -> already done, no events
    grant trial image runs 1
    revoke grant trial
    revoke grant trial -> already done, no events

    ## A correction moves the balance both ways, down to what no run has on hold
    account business
    pot gift top-up 50
    adjust gift by 10 because goodwill -> done, balance 60, pot gift 60
    run a image quote 40
    adjust gift by -21 because typo -> refused ADJUSTMENT_TOO_LARGE available 20, no events, balance 60, held 40
    adjust gift by -20 because typo corrects 3 -> done, balance 40, held 40, pot gift 0 and 40 held

    ## A correction can't take what has expired, whether or not anyone has looked since
    account business
    pot plan plan 50 expires in 1h
    at 11:00
    adjust plan by -10 because typo -> refused ADJUSTMENT_TOO_LARGE available 0, expired 50, balance 0

    ## A closed account keeps its balance and does nothing more
    account business
    pot gift top-up 50
    close
    run a image quote 1 -> refused UNAUTHORIZED, events request.received request.refused, balance 50
    pot more top-up 50 -> refused ACCOUNT_CLOSED, no events
    tier enterprise -> refused ACCOUNT_CLOSED, no events
    key robot model:run -> refused ACCOUNT_CLOSED, no events
    revoke key main -> refused ACCOUNT_CLOSED, no events
    close -> refused ACCOUNT_CLOSED, no events
    """

private let refusalsSheet = """
    ## Nothing can be done to an account that was never opened
    pot gift top-up 50 -> refused ACCOUNT_NOT_FOUND, no events
    tier pro -> refused ACCOUNT_NOT_FOUND, no events
    approve -> refused ACCOUNT_NOT_FOUND, no events
    close -> refused ACCOUNT_NOT_FOUND, no events
    run a image quote 1 -> refused UNAUTHORIZED, no events
    succeed a cost 1 -> refused EXECUTION_NOT_FOUND, no events
    expire a -> already done, no events

    ## A pot is filled once, with something, until a time that is still to come
    account business
    pot gift top-up 50
    pot gift top-up 50 -> refused POT_EXISTS, no events
    pot none top-up 0 -> refused INVALID_AMOUNT, no events
    pot less top-up -1 -> refused INVALID_AMOUNT, no events
    pot past top-up 5 expires at 10:00 -> refused EXPIRY_IN_PAST, no events
    pot far top-up 5 expires never representably -> refused INVALID_EXPIRY, no events
    pot huge top-up 9223372036854.775807 -> refused INVALID_AMOUNT, no events, balance 50

    ## A correction names a pot, an amount, a reason, and an event that can be
    account business
    pot gift top-up 50
    adjust other by 5 because typo -> refused POT_NOT_FOUND, no events
    adjust gift by 0 because typo -> refused INVALID_AMOUNT, no events
    adjust gift by 9223372036854.775807 because typo -> refused INVALID_AMOUNT, no events
    adjust gift by 5 -> refused INVALID_REASON, no events
    adjust gift by 5 because x at length -> refused INVALID_REASON, no events
    adjust gift by 5 because typo corrects 0 -> refused INVALID_REASON, no events
    adjust gift by 5 because typo corrects 9223372036854775807 -> refused INVALID_REASON, no events
    adjust gift by -50.000001 because typo -> refused ADJUSTMENT_TOO_LARGE available 50, no events, balance 50

    ## A grant has an id of its own, a model, something to give and an end that is still to come
    account business
    grant trial image runs 1
    grant trial image runs 1 -> refused GRANT_EXISTS, no events
    grant none image runs 0 -> refused INVALID_GRANT, no events
    grant many image runs 1000000001 -> refused INVALID_GRANT, no events
    grant short image for 0s -> refused INVALID_GRANT, no events
    grant long image for 3651d -> refused INVALID_GRANT, no events
    grant odd Image runs 1 -> refused INVALID_GRANT, no events
    grant past image runs 1 expires in 0s -> refused EXPIRY_IN_PAST, no events
    grant far image runs 1 expires never representably -> refused INVALID_EXPIRY, no events
    revoke grant other -> refused GRANT_NOT_FOUND, no events

    ## A key has an id of its own, a label, and capabilities under the plan's ceiling
    account business
    key main model:run -> refused KEY_EXISTS, no events
    key robot -> refused INVALID_CAPABILITY, no events
    key robot * -> refused CAPABILITY_ABOVE_CEILING * on business, no events
    key robot model:run model:* -> refused CAPABILITY_ABOVE_CEILING model:* on business, no events
    key robot without label model:run -> refused INVALID_NAME, no events
    revoke key other -> refused KEY_NOT_FOUND, no events

    ## Plans below Pro have no keys
    account free
    key robot execution:read -> refused API_KEY_ACCESS_DENIED on free, no events
    tier creator
    key robot execution:read -> refused API_KEY_ACCESS_DENIED on creator, no events
    tier pro
    key robot workflow:run execution:read -> done
    key other model:run -> refused CAPABILITY_ABOVE_CEILING model:run on pro, no events

    ## An admin may hold everything on any plan
    account free admin
    key all * -> done
    key wide workflow:* -> done
    """

private let standingSheet = """
    ## A key left over from a higher plan runs nothing below Business
    account business
    pot gift top-up 50
    tier pro
    run a image quote 1 -> refused CAPABILITY_DENIED required model:image:run, limit none, balance 50, held 0
    tier free
    run b image quote 1 -> refused CAPABILITY_DENIED required model:image:run, limit none
    tier business
    run c image quote 1 -> admitted

    ## An account that is not approved yet runs nothing
    account business unapproved
    pot gift top-up 50
    run a image quote 1 -> refused ACCOUNT_NOT_APPROVED, events request.received request.refused, limit none
    approve
    run b image quote 1 -> admitted
    disapprove
    run c image quote 1 -> refused ACCOUNT_NOT_APPROVED, held 1

    ## A revoked key runs nothing from then on
    account business
    pot gift top-up 50
    run a image quote 1 -> admitted
    revoke key main
    run b image quote 1 -> refused UNAUTHORIZED, events request.received request.refused, limit none

    ## A key of nobody runs nothing
    account business
    run a image quote 1 with key stranger -> refused UNAUTHORIZED, events request.received request.refused

    ## A key runs the models it names
    account business without key
    pot gift top-up 50
    key narrow model:image:run
    run a image quote 1 with key narrow -> admitted
    run b video quote 1 with key narrow -> refused CAPABILITY_DENIED required model:video:run, held 1
    key other workflow:run
    run c image quote 1 with key other -> refused CAPABILITY_DENIED required model:image:run

    ## An admin passes the plan's gates and is not limited, but still pays
    account free admin
    pot gift top-up 50
    run a image quote 40 needs enterprise -> admitted, limit none, held 40
    run b image quote 11 -> refused INSUFFICIENT_CREDITS required 11 available 10, limit none
    """
