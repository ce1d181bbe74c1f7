internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// fal's two shapes of errors: the platform's `detail` is a text, a model's is an array.
enum FalErrors {
    /// What the platform says before anything is accepted.
    static let table = RefusalTable(rows: [
        .refuse: Refusal(422, "content_policy_violation", "The content could not be processed."),
        .invalid: Refusal(422, "missing", "Field required"),
        .unauthorised: Refusal(401, "", "Cannot access application. Authentication is required."),
        .noCredit: Refusal(403, "", "User is locked. Reason: Exhausted balance. Top up your balance."),
        .forbidden: Refusal(403, "", "Access denied to the application."),
        .notFound: Refusal(404, "", "Application not found"),
        .conflict: Refusal(409, "", "Conflict"),
        .tooLarge: Refusal(413, "", "Request body too large"),
        .rateLimit: Refusal(429, "", "Too many requests", [("retry-after", "1")]),
        .overloaded: platform(503, "runner_scheduling_failure", "No runner is available"),
        .unavailable: platform(503, "runner_connection_refused", "The runner refused the connection"),
        .gatewayTimeout: platform(
            504,
            "request_timeout",
            "Request timed out",
            [("X-Fal-Request-Timeout-Type", "user"), ("X-Fal-Retryable", "false")]
        ),
        .error500: platform(500, "internal_error", "Internal Server Error"),
    ]) { refusal in
        switch refusal.code {
        case "content_policy_violation", "missing": modelError(refusal.message, refusal.code)
        case "": ["detail": .string(refusal.message)]
        default: ["detail": .string(refusal.message), "error_type": .string(refusal.code)]
        }
    }

    /// A body that is not the object of a model's inputs.
    static var notAnObject: Response {
        table.response(Refusal(422, "missing", "Input should be a valid dictionary"))
    }

    static var noSuchRequest: Response { table.response(Refusal(404, "", "Request not found")) }

    static var stillInProgress: Response { table.response(Refusal(400, "", "Request is still in progress")) }

    private static func platform(
        _ status: Int,
        _ type: String,
        _ message: String,
        _ headers: [(String, String)] = [("X-Fal-Retryable", "true")]
    ) -> Refusal {
        let own = [("x-fal-request-id", "00000000-0000-4000-8000-000000000000"), ("x-fal-error-type", type)]
        return Refusal(status, type, message, own + headers)
    }

    private static func modelError(_ message: String, _ type: String) -> JSONValue {
        [
            "detail": [
                [
                    "loc": ["body", "prompt"], "msg": .string(message), "type": .string(type),
                    "url": .string("https://docs.fal.ai/errors#\(type)"), "input": "…",
                ]
            ]
        ]
    }

    /// How a run ended without a result: the status and body at its result's URL; nil for a result.
    static func outcome(of run: SimulatorBooks.Run, state: TaskProgress.State) -> (status: Int, body: JSONValue)? {
        if state == .cancelled {
            return (499, ["detail": "Request was cancelled", "error_type": "client_cancelled"])
        }
        switch run.progress.ending {
        case .succeeds, .never: return nil
        case .breaksPolicy: return (422, modelError("The generated content was flagged.", "content_policy_violation"))
        case .expires: return (504, ["detail": "Request timed out", "error_type": "request_timeout"])
        case .fails:
            guard run.fault == .failInStatus else {
                return (500, modelError("Generation failed", "internal_server_error"))
            }
            return (503, ["detail": "Runner disconnected", "error_type": "runner_disconnected"])
        }
    }

    /// What the status of a run says of its failure: most say nothing, and the trap is to take that for success.
    static func inStatus(_ run: SimulatorBooks.Run, _ state: TaskProgress.State) -> (message: String, type: String)? {
        switch state {
        case .cancelled: ("Request was cancelled", "client_cancelled")
        case .expired: ("Request timed out", "request_timeout")
        case .failed where run.fault == .failInStatus: ("Runner disconnected", "runner_disconnected")
        default: nil
        }
    }

    /// The answer at a failed run's result URL; nil for a result.
    static func failure(of run: SimulatorBooks.Run, state: TaskProgress.State) -> Response? {
        guard let (status, body) = outcome(of: run, state: state) else { return nil }
        var headers = [("x-fal-request-id", run.id)]
        if let type = body["error_type"]?.stringValue { headers.append(("x-fal-error-type", type)) }
        if status == 504 { headers.append(("X-Fal-Request-Timeout-Type", "user")) }
        return .json(body, status: HTTPResponse.Status(code: status), headers: headers)
    }
}
