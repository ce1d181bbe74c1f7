import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Registry
import Runs

/// The answers to a run as they are sent (api-contract, 1.1, 4.1 and 8.1).
struct RunAnswerRenderer: AnswerRenderer {
    let webhooks: any WebhookDirectory
    let keyID: KeyID
    /// Whether the client sent `Prefer: respond-async`.
    let prefersAsync: Bool
    /// Whether errors have the members of RFC 9457.
    let prefersProblem: Bool

    /// How long the answer to an asynchronous request waits for where its end is reported to. The run is admitted and on its
    /// way: a slow ledger costs this answer a detail that `pollUrl` tells later, never the time that a submit may take.
    private static let destinationWait = Duration.milliseconds(200)

    func draft(_ answer: RunAnswer, of request: Ledger.RequestID) async -> AnswerDraft {
        let parts: Parts
        switch answer {
        case .succeeded(let success): parts = self.parts(of: success)
        case .accepted(let accepted): parts = await self.parts(of: accepted)
        case .failed(let failure):
            let error = APIError(failure)
            let (headers, body) = error.parts(isProblem: prefersProblem, requestID: request)
            parts = Parts(status: error.status, headers: headers, body: body)
        case .recorded, .inFlight, .refused, .invalidWorkflow, .unavailable:
            preconditionFailure("\(answer) is not to be kept")
        }
        var headers = parts.headers
        headers[.requestID] = request.description
        return AnswerDraft(
            status: Int16(parts.status.code),
            headers: headers.lines,
            body: parts.body,
            rest: parts.afterCost.map { [$0] } ?? []
        )
    }

    /// An answer with a gap in its body where the cost belongs.
    struct Parts {
        let status: HTTPResponse.Status
        var headers: HTTPFields
        var body: [UInt8]
        var afterCost: [UInt8]?

        func response(cost: Credits) -> Response {
            var bytes = body
            if let afterCost {
                bytes += cost.description.utf8
                bytes += afterCost
            }
            return Response(
                status: status,
                headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            )
        }
    }

    func parts(of success: RunAnswer.Success) -> Parts {
        var parts = Parts(status: .ok, headers: [.contentType: "application/json"], body: [])
        if let window = success.window { parts.headers.append(window) }
        parts.body.reserveCapacity(512)
        parts.body += #"{"success":true,"result":"#.utf8
        success.result.appendCanonical(to: &parts.body)
        parts.body += #","cost":"#.utf8
        parts.afterCost = Array(#","ms":\#(success.duration.wholeMilliseconds)}"#.utf8)
        return parts
    }

    func parts(of accepted: RunAnswer.Accepted) async -> Parts {
        let location = "/api/executions/\(accepted.executionID)"
        let destination = await webhooks.destination(
            of: accepted.executionID,
            key: keyID,
            admittedAt: accepted.admittedAt,
            within: Self.destinationWait
        )
        let body = JSONText.object([
            ("_async", .bool(true)), ("executionId", .string(accepted.executionID.description)),
            ("requestId", .string(accepted.providerRequestID ?? accepted.executionID.description)),
            ("status", "processing"),
            ("webhookDelivery", .webhookDelivery(destination, showsReport: false)),
            ("pollUrl", .string(location)),
        ])
        var headers: HTTPFields = [.contentType: "application/json", .location: location]
        if prefersAsync { headers[.preferenceApplied] = "respond-async" }
        if let window = accepted.window { headers.append(window) }
        return Parts(status: .accepted, headers: headers, body: body)
    }
}
