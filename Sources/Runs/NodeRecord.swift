public import Ledger
public import Registry

/// A model node of a workflow's run.
public struct NodeRecord: Hashable, Sendable {
    /// Which node it is.
    public let node: NodeRun
    /// Its own run.
    public let execution: Execution
    /// What is kept of its end.
    public let report: RunReport?
    /// Makes a record.
    public init(node: NodeRun, execution: Execution, report: RunReport?) {
        self.node = node
        self.execution = execution
        self.report = report
    }

    /// The node as answers and webhooks show it.
    public var json: JSONValue {
        let view = ExecutionView(execution: execution, report: report, destination: .none)
        var error = JSONValue.null
        if execution.status == .failed {
            error = [
                "code": .string(execution.errorCode ?? "EXECUTION_FAILED"),
                "message": .string(report?.errorMessage ?? "The run failed"),
            ]
        }
        return [
            "id": .string(node.place.node), "model": .string(node.model),
            "executionId": .string(execution.id.description), "status": .string(view.status.rawValue),
            "cost": execution.status.isEnd ? .decimal(execution.charged.description) : .null,
            "result": view.result ?? .null, "error": error,
        ]
    }
}
