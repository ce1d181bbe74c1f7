import App
import Egress
import HTTPTypes
import HummingbirdTesting
import Ledger
import LedgerStore
import LedgerTestSupport
import NIOCore
import Registry
import RunTestSupport
import Runs
import Testing

/// Workflows as a client of the API makes and runs them.
extension AsyncBench {
    static let workflowCapabilities = [
        "workflow:run", "workflow:read", "workflow:write", "execution:read", "execution:cancel",
    ]

    /// What HTTP Request nodes are sent with, to this machine too.
    static var loopbackCaller: EgressCaller {
        EgressCaller(client: EgressClient(policy: .withLoopback), time: .seconds(10))
    }

    /// Runs a body with a bench whose Pro account may run no model by itself.
    static func withWorkflows(
        _ capabilities: [String] = workflowCapabilities,
        _ body: @Sendable (AsyncBench) async throws -> Void
    ) async throws {
        try await with(tier: .pro, capabilities: capabilities, body)
    }

    /// A service with models that a Pro account's workflows may have: `text`, `more` and `clip`, 3 credits each.
    func workflowService(
        _ instance: Int64 = 1,
        claim: Duration = .seconds(30),
        caller: (any WorkflowCaller)? = loopbackCaller,
        clock: @escaping @Sendable () -> Timestamp = { SystemClock.now() }
    ) throws -> RunService {
        let files = [("text", "plain"), ("more", "plain"), ("clip", "polled")].map { name, provider in
            let file = definition(name, deadline: 60, provider: provider)
            return DefinitionFile(
                name: file.name,
                text: file.text.replacing("requiredTier: business", with: "requiredTier: pro")
            )
        }
        let registry = try ModelRegistry.load(files: files, providers: [polledProvider, plainProvider], variables: [:])
        return try service(instance, claim: claim, caller: caller, registry: registry, clock: clock)
    }

    /// Saves a workflow of nodes `id type data` and edges `source.socket>target.socket`, and gives the answer.
    func save(
        _ service: RunService,
        _ name: String,
        nodes: [String],
        edges: [String],
        isPublic: Bool = false,
        headers: [(String, String)] = []
    ) async throws -> TestResponse {
        let nodes = nodes.map { text in
            let parts = text.split(separator: " ", maxSplits: 2)
            return #"{"id":"\#(parts[0])","type":"\#(parts[1])","data":\#(parts.count > 2 ? String(parts[2]) : "{}")}"#
        }
        let edges = edges.enumerated().map { index, text in
            let ends = text.split(separator: ">").map { $0.split(separator: ".").map(String.init) }
            var members = [#""id":"e\#(index)""#]
            for (end, names) in zip(ends, [("source", "sourceHandle"), ("target", "targetHandle")]) {
                members.append(#""\#(names.0)":"\#(end[0])""#)
                if end.count > 1 { members.append(#""\#(names.1)":"\#(end[1])""#) }
            }
            return "{\(members.joined(separator: ","))}"
        }
        let body = """
            {"name":"\(name)","publicPlayground":\(isPublic),"color":"blue",
            "nodes":[\(nodes.joined(separator: ","))],"edges":[\(edges.joined(separator: ","))]}
            """
        return try await answer(service, "/api/workflows", .post, headers: headers, body: body)
    }

    /// Asks for a run of a workflow.
    func runWorkflow(
        _ service: RunService,
        _ slug: String,
        _ inputs: String = #"{"topic":"sea"}"#,
        query: String = "",
        headers: [(String, String)] = []
    ) async throws -> TestResponse {
        try await answer(
            service,
            "/api/workflows/\(slug)/run\(query)",
            .post,
            headers: headers,
            body: #"{"inputs":\#(inputs)}"#
        )
    }
}

extension TestResponse {
    /// The body as JSON.
    var json: JSONValue {
        get throws { try JSONValue(text: String(buffer: body)) }
    }

    /// The status and the code, such as `404 WORKFLOW_NOT_FOUND`.
    var summary: String {
        get throws {
            guard body.readableBytes > 0 else { return "\(status.code)" }
            return try json["code"]?.stringValue.map { "\(status.code) \($0)" } ?? "\(status.code)"
        }
    }
}

extension JSONValue {
    /// The object with one more member.
    func adding(_ name: String, _ value: JSONValue) -> JSONValue {
        var members = objectValue ?? [:]
        members[name] = value
        return .object(members)
    }
}
