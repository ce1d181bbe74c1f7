package import Ledger

/// The terms of a run, with what rule sheets leave unsaid: answered within 5 minutes, held for an hour after that.
package struct Quote {
    package var amount = Credits(whole: 1)
    package var tier = Tier.free
    package var supportsAsync = true
    package var policy = UnresolvedPolicy.release
    package var deadlineSeconds: Int64 = 300
    package var unresolvedHoldSeconds: Int64 = 3_600

    /// One credit.
    package init() {}

    /// The quote.
    package var value: RunQuote {
        RunQuote(
            amount: amount,
            priceVersion: "image@1",
            definitionVersion: 1,
            requiredTier: tier,
            supportsAsync: supportsAsync,
            deadlineSeconds: deadlineSeconds,
            unresolvedHoldSeconds: unresolvedHoldSeconds,
            unresolvedPolicy: policy
        )
    }
}
