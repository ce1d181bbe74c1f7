/// What happened. The raw value is the name stored in the `type` column and hashed with the event.
public enum EventType: String, Hashable, Sendable, CaseIterable {
    case accountOpened = "account.opened"
    case accountTierChanged = "account.tier_changed"
    case accountRoleChanged = "account.role_changed"
    case accountApproved = "account.approved"
    case accountClosed = "account.closed"
    case accountErased = "account.erased"
    case keyIssued = "key.issued"
    case keyRevoked = "key.revoked"

    case creditsAdded = "credits.added"
    case creditsExpired = "credits.expired"
    case creditsAdjusted = "credits.adjusted"
    case creditsShort = "credits.short"

    case periodClosed = "period.closed"

    case invoiceImported = "invoice.imported"
    case invoiceCompared = "invoice.compared"
    case suspenseResolved = "suspense.resolved"

    case alertSet = "alert.set"
    case alertRaised = "alert.raised"
    case alertCleared = "alert.cleared"

    case topUpSet = "top_up.set"
    case topUpStarted = "top_up.started"
    case topUpPaid = "top_up.paid"
    case topUpFailed = "top_up.failed"

    case grantIssued = "grant.issued"
    case grantOpened = "grant.opened"
    case grantRevoked = "grant.revoked"

    case requestReceived = "request.received"
    case capabilityGranted = "capability.granted"
    case capabilityDenied = "capability.denied"
    case rateLimitCounted = "rate_limit.counted"
    case rateLimitExceeded = "rate_limit.exceeded"
    case requestRefused = "request.refused"

    case creditsHeld = "credits.held"
    case creditsRefused = "credits.refused"
    case grantHeld = "grant.held"
    case grantRefused = "grant.refused"
    case creditsDebited = "credits.debited"
    case creditsReleased = "credits.released"
    case grantConsumed = "grant.consumed"
    case grantReleased = "grant.released"
    case costAbsorbed = "cost.absorbed"

    case executionSubmitted = "execution.submitted"
    case executionSucceeded = "execution.succeeded"
    case executionFailed = "execution.failed"
    case executionCancelRequested = "execution.cancel_requested"
    case executionCancelled = "execution.cancelled"
    case executionUnresolved = "execution.unresolved"

    case workflowSaved = "workflow.saved"
    case workflowDeleted = "workflow.deleted"
    case workflowStarted = "workflow.started"
}
