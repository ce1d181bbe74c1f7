import Administration
import HTTPTypes
import Ledger
import LedgerStore
import Registry
import RunAPI

extension APIError {
    static let apiKeyRefused = APIError(
        status: .forbidden,
        code: "API_KEY_NOT_ALLOWED",
        message: "These routes are for operators, not for API keys"
    )

    static func invalid(_ issues: [FieldIssue]) -> APIError {
        let list = issues.map { issue -> JSONValue in
            ["path": .string(issue.field), "message": .string(issue.message)]
        }
        let first = issues.first.map { "\($0.field): \($0.message)" } ?? ""
        return APIError(
            status: .badRequest,
            code: "INVALID_REQUEST",
            message: "The request can't be taken: \(first)",
            context: [("issues", .array(list))]
        )
    }

    init(_ failure: AdminFailure) {
        switch failure {
        case .refused(let refusal): self.init(adminRefusal: refusal)
        case .invalid(let issues): self = .invalid(issues)
        case .notFound(let what):
            self.init(status: .notFound, code: "NOT_FOUND", message: "There is not \(what)")
        case .operatorExists:
            self.init(status: .conflict, code: "OPERATOR_EXISTS", message: "There is an operator of this name")
        case .keyReused:
            self.init(
                status: .unprocessableContent,
                code: "IDEMPOTENCY_MISMATCH",
                message: "Another request was made under this Idempotency-Key"
            )
        case .unavailable(let failure): self = .unread(failure)
        }
    }

    private init(adminRefusal refusal: Refusal) {
        self.init(
            status: refusal.adminStatus,
            code: refusal.code,
            message: refusal.adminMessage,
            context: refusal.adminContext
        )
    }
}

extension Refusal {
    fileprivate var adminStatus: HTTPResponse.Status {
        switch self {
        case .accountUnknown, .potUnknown, .grantUnknown, .keyUnknown, .referenceUnknown, .topUpUnknown: .notFound
        case .accountExists, .accountClosed, .accountInUse, .accountOpen, .potExists, .grantExists, .adjustmentTooLarge,
            .topUpNotDue:
            .conflict
        default: .badRequest
        }
    }

    fileprivate var adminMessage: String {
        switch self {
        case .accountUnknown: "There is no account of this id"
        case .accountExists: "There is an account of this id"
        case .accountClosed: "The account is closed"
        case .accountInUse: "The account has runs under way, or a payment; it can be closed when they have ended"
        case .accountOpen: "The account is open; close it before it is erased"
        case .potUnknown: "pot: the account has no pot of this id"
        case .potExists: "pot: there is a pot of this id"
        case .grantUnknown: "The account has no grant of this id"
        case .grantExists: "There is a grant of this id"
        case .amountInvalid:
            "amount: it must be above 0, and the balance at most \(Credits(microcredits: .max)) credits"
        case .adjustmentTooLarge(let available):
            "amount: \(available) credits of the pot are left that no run has on hold"
        case .expiryInPast: "expiresAt: that moment is not in the future"
        case .expiryInvalid: "expiresAt: that moment is too far away"
        case .reasonInvalid: "reason: it must have 1 to 500 bytes"
        case .referenceInvalid: "reference: it must have 1 to 200 bytes, and no NUL"
        case .periodInvalid: "period: it must have 1 to 64 bytes"
        case .allowanceMissing(let tier): "allowance: the \(tier.rawValue) plan has none of its own; say how much"
        case .thresholdInvalid: "threshold: it must be above 0"
        case .topUpRulesInvalid:
            "threshold and amount must be above 0, attemptsPerDay 1 to 24, failuresToOpen 1 to 10"
        default: "The ledger refused it"
        }
    }

    fileprivate var adminContext: [(key: String, value: JSONValue)] {
        switch self {
        case .adjustmentTooLarge(let available): [("available", .credits(available))]
        case .allowanceMissing(let tier): [("tier", .string(tier.rawValue))]
        case .topUpNotDue(let obstacle): [("obstacle", .string(obstacle.rawValue))]
        default: []
        }
    }
}
