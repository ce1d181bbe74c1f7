public import Ledger
public import Registry
public import Runs

/// Three models: `echo` (1.5 credits a call), `picture` (10.000001 credits an image, up to 4), and `studio` (Enterprise).
public func sampleRegistry() throws -> ModelRegistry {
    try ModelRegistry.load(
        files: [
            definition("echo", type: "text", tier: "free", policy: "release", price: #"rule: perCall, credits: "1.5""#),
            definition(
                "picture",
                type: "image",
                tier: "business",
                policy: "charge",
                price: #"rule: perImage, countField: n, credits: "10.000001""#
            ),
            definition(
                "studio",
                type: "text",
                tier: "enterprise",
                policy: "release",
                price: #"rule: perCall, credits: "9""#
            ),
        ],
        providers: [DefinitionFile(name: "sample.yaml", text: sampleProvider)],
        variables: [:]
    )
}

private let sampleProvider = """
    name: sample
    kind: http
    baseURL: http://127.0.0.1:1
    submit: {path: /run, body: "{inputs}", acceptedStatuses: [200]}
    result: {outputs: [/output]}
    """

private func definition(
    _ name: String,
    type: String,
    tier: String,
    policy: String,
    price: String
) -> DefinitionFile {
    DefinitionFile(
        name: "\(name).yaml",
        text: """
            internalName: \(name)
            displayName: \(name)
            type: \(type)
            requiredTier: \(tier)
            version: 3
            deadlineSeconds: 60
            unresolved: {holdSeconds: 600, policy: \(policy)}
            inputs:
              prompt: {type: string, required: true, minLength: 1, maxLength: 1048576}
              n: {type: integer, min: 1, max: 4, default: 1}
            price: {version: 2, \(price), wholesaleMicroUSD: 900}
            provider: {use: sample}
            """
    )
}

/// An account with a key, in an in-memory ledger.
public struct SampleAccount: Sendable {
    /// The account.
    public let id: AccountID
    /// Its key, as its owner sends it.
    public let secret: APIKeySecret
    /// Whose key it is.
    public var identity: KeyAuthenticator.Identity { .init(accountID: id, keyID: secret.keyID) }

    /// Opens an account and issues a key.
    ///
    /// - Parameters:
    ///   - ledger: where.
    ///   - tier: its plan; a key is issued on Business, then the plan changes to this one.
    ///   - credits: what it has.
    ///   - isApproved: whether it may run at once.
    ///   - capabilities: what the key may do.
    public init(
        in ledger: InMemoryLedger,
        tier: Tier = .business,
        credits: String = "1000",
        isApproved: Bool = true,
        capabilities: [String] = ["model:run"]
    ) {
        let id = AccountID(Identifier128(high: 1, low: .random(in: 0...UInt64.max)))
        self.id = id
        let identifiers = IdentifierSource(clock: { ledger.now })
        self.secret = APIKeySecret(keyID: KeyID(identifiers.next(in: ledger.journal(of: id))))
        ledger.administer(.openAccount(OpenAccount(tier: .business, isApproved: isApproved)), of: id)
        let key = IssueKey(
            keyID: secret.keyID,
            name: "sample",
            secretDigest: secret.digest,
            capabilities: capabilities.compactMap { Capability($0) }
        )
        ledger.administer(.issueKey(key), of: id)
        if tier != .business { ledger.administer(.changeTier(tier), of: id) }
        let amount = Credits(decimal: credits) ?? .zero
        guard amount.isPositive else { return }
        let addition = AddCredits(
            potID: PotID(identifiers.next()),
            kind: .topUp,
            amount: amount,
            expiresAt: nil,
            externalReference: nil
        )
        ledger.administer(.addCredits(addition), of: id)
    }
}
