import HTTPTypes
import Ledger
import Registry

extension APIError {
    /// A refusal of the ledger on the wire: status, code, and the numbers the decision used (api-contract, 1.1 and 8.4).
    init(_ refusal: Refusal, issues: [InputIssue], window: WindowStatus?) {
        self.init(status: refusal.status, code: refusal.code, message: refusal.message, context: refusal.context)
        switch refusal {
        case .unauthorized: self = .unauthorized
        case .invalidInputs:
            let list = issues.map { issue in
                JSONValue.object(["path": .string(issue.path), "message": .string(issue.message)])
            }
            context.append(("issues", .array(list)))
        case .rateLimited(let tier):
            guard let window else { break }
            context += [
                ("tier", .string(tier.rawValue)), ("limit", .integer(window.limit)),
                ("retryAfter", .integer(window.retryAfterSeconds)),
            ]
            headers[.retryAfter] = String(window.retryAfterSeconds)
            problemType = "https://iana.org/assignments/http-problem-types#quota-exceeded"
            problemContext = [("violated-policies", ["default"])]
        default: break
        }
        if let window { headers.append(window) }
    }
}

extension Refusal {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .unauthorized: .unauthorized
        case .accountNotApproved, .capabilityDenied, .modelTierRequired, .keysNotAllowed, .capabilityAboveCeiling:
            .forbidden
        case .rateLimited: .tooManyRequests
        case .modelNotFound, .workflowNotFound, .executionUnknown, .accountUnknown: .notFound
        case .executionNotCancellable, .accountClosed, .workflowSlugTaken, .workflowChanged, .workflowLimitReached:
            .conflict
        case .idempotencyMismatch: .unprocessableContent
        case .grantExhausted, .insufficientCredits: .init(code: 402, reasonPhrase: "Payment Required")
        default: .badRequest
        }
    }

    fileprivate var message: String {
        switch self {
        case .unauthorized: "Unauthorized"
        case .accountNotApproved: "The account waits for its approval"
        case .invalidSlug:
            "A model's or workflow's name has lower-case letters, digits and hyphens only, and at most \(Slug.longest) of them"
        case .capabilityDenied(let required): "The key lacks the capability \(required)"
        case .rateLimited: "Rate limit exceeded"
        case .idempotencyMismatch: "The idempotency key was used for another request"
        case .invalidBody: "The body must be a JSON object"
        case .invalidInputs: "The inputs do not fit the model; see issues"
        case .modelNotFound: "There is no enabled model of this name"
        case .workflowNotFound: "The account has no workflow of this name"
        case .workflowSlugTaken: "Others have taken this workflow's name meanwhile; try again"
        case .workflowChanged: "The workflow was saved by somebody else at the same time; read it and try again"
        case .workflowLimitReached: "The account has \(Workflow.most) workflows, and can have no more"
        case .modelTierRequired(let required, _): "The model needs the \(required.rawValue) plan or a higher one"
        case .executionUnknown: "There is no execution of this account with this id"
        case .executionNotCancellable: "The execution has ended, and can't be cancelled any more"
        case .asyncNotSupported: "The model can't run asynchronously; leave out async=true"
        case .grantExhausted: "The trial of this model is used up; a higher plan lifts the limit, credits do not"
        case .insufficientCredits(let required, let available):
            "The run may cost \(required) credits, and \(available) are available"
        case .accountUnknown: "There is no account with this id"
        case .accountClosed: "The account is closed"
        case .keysNotAllowed(let tier): "An account on the \(tier.rawValue) plan can have no API keys"
        case .capabilityAboveCeiling(let capability, let tier):
            "A key of the \(tier.rawValue) plan can't hold the capability \(capability)"
        case .capabilityCountInvalid:
            "capabilities: a key holds 1 to \(TierPolicy.capabilityCounts.upperBound) of them"
        case .nameInvalid: "name: one line of 1 to 100 bytes is needed"
        default: "The request was refused"
        }
    }

    fileprivate var context: [(key: String, value: JSONValue)] {
        switch self {
        case .capabilityDenied(let required): [("required", .string(required.text))]
        case .keysNotAllowed(let tier): [("tier", .string(tier.rawValue))]
        case .capabilityAboveCeiling(let capability, let tier):
            [("attempted", .string(capability.text)), ("tier", .string(tier.rawValue))]
        case .capabilityCountInvalid: [("field", "capabilities")]
        case .nameInvalid: [("field", "name")]
        case .modelTierRequired(let required, let tier):
            [("requiredTier", .string(required.rawValue)), ("tier", .string(tier.rawValue))]
        case .insufficientCredits(let required, let available):
            [("required", .credits(required)), ("available", .credits(available))]
        case .executionNotCancellable(let status):
            [("executionStatus", .string(status == .succeeded ? "completed" : status.rawValue))]
        case .grantExhausted(.runs(let granted, let used)):
            [("grant", .object(["granted": .integer(granted), "used": .integer(used)]))]
        case .grantExhausted(.window(let opensAt, let closesAt)):
            [("grant", .object(["opensAt": .time(opensAt), "closesAt": .time(closesAt)]))]
        default: []
        }
    }
}

extension HTTPFields {
    /// The headers of a window: the published three and the draft's two (standards, D.2).
    mutating func append(_ window: WindowStatus) {
        self[.rateLimitLimit] = String(window.limit)
        self[.rateLimitRemaining] = String(window.remaining)
        self[.rateLimitReset] = String(window.resetSeconds)
        self[.rateLimitPolicy] = "\"default\";q=\(window.limit);w=60"
        self[.rateLimit] = "\"default\";r=\(window.remaining);t=\(window.retryAfterSeconds)"
    }
}
