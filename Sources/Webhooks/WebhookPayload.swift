import Ledger
import LedgerStore
import Registry
import Runs

/// The body of a report (api-contract, section 4.4). The same bytes at each attempt: it says nothing of the attempt.
enum WebhookPayload {
    /// The body.
    ///
    /// - Parameter nodes: of a workflow's run, the model nodes that were held; nil for the run of a model, which names none.
    static func bytes(of delivery: ClaimedDelivery, nodes: [NodeRecord]?) -> [UInt8] {
        let run = delivery.run
        let status: JSONValue =
            switch delivery.event {
            case "execution.completed": "completed"
            case "execution.failed": "failed"
            case "execution.cancelled": "cancelled"
            default: .null
            }
        var members: [(key: String, value: JSONValue)] = [
            ("event", .string(delivery.event)),
            ("executionId", run.map { .string($0.executionID.description) } ?? .null),
            ("requestId", run?.providerRequestID.map { .string($0) } ?? .null),
            ("userId", .string(delivery.account.description)),
            ("workflowSlug", run?.workflowSlug.map { .string($0) } ?? .null),
            ("modelIds", .array(run?.models.map { .string($0) } ?? [])), ("status", status),
            ("result", run?.result.flatMap { try? JSONValue(text: $0) } ?? .null), ("error", error(delivery)),
            ("cost", run.map { .decimal($0.charged.description) } ?? .null),
            ("ms", run?.milliseconds.map { .integer($0) } ?? .null),
            ("createdAt", .string((run?.admittedAt ?? delivery.createdAt).rfc3339)),
            ("completedAt", run?.endedAt.map { .string($0.rfc3339) } ?? .null),
        ]
        if let nodes { members.append(("nodes", .array(nodes.map(\.json)))) }
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONValue.string(member.key).appendCanonical(to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            member.value.appendCanonical(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private static func error(_ delivery: ClaimedDelivery) -> JSONValue {
        guard delivery.event == "execution.failed", let run = delivery.run else { return .null }
        return [
            "code": .string(run.errorCode ?? "EXECUTION_FAILED"),
            "message": .string(run.errorMessage ?? "The run failed"),
        ]
    }
}
