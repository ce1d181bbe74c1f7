internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// How a vendor says that it accepts nothing: the same shape for every vendor, filled from a table of its own.
struct Refusal: Sendable {
    let status: Int
    /// The vendor's code or type.
    let code: String
    let message: String
    var headers: [(String, String)] = []

    init(_ status: Int, _ code: String, _ message: String, _ headers: [(String, String)] = []) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
    }
}

/// A vendor's refusals by fault.
struct RefusalTable: Sendable {
    let rows: [SimulatorFault: Refusal]
    /// A vendor's body for a refusal.
    let body: @Sendable (Refusal) -> JSONValue

    /// The answer to a request for work that meets a fault; nil when it is accepted.
    func answer(to fault: SimulatorFault?) -> Response? {
        guard let fault, fault.isRefusal else { return nil }
        switch fault {
        case .ingress503 where rows[fault] == nil: return .nginx(.serviceUnavailable)
        case .badGateway: return .nginx(.badGateway)
        default: return response(for: fault)
        }
    }

    /// The answer that says a fault in the vendor's words, or the nearest it has.
    func response(for fault: SimulatorFault) -> Response {
        var candidate = fault
        while true {
            if let row = rows[candidate] { return response(row) }
            guard let next = Self.nearest[candidate] else {
                preconditionFailure("every table has invalid and error500")
            }
            candidate = next
        }
    }

    func response(_ row: Refusal) -> Response {
        .json(body(row), status: HTTPResponse.Status(code: row.status), headers: row.headers)
    }

    private static let nearest: [SimulatorFault: SimulatorFault] = [
        .noSlot: .rateLimit, .rateLimit: .overloaded, .overloaded: .unavailable, .unavailable: .error500,
        .gatewayTimeout: .error500, .conflict: .invalid, .tooLarge: .invalid, .refuse: .invalid, .notFound: .invalid,
        .forbidden: .unauthorised, .noCredit: .forbidden, .unauthorised: .invalid,
    ]
}
