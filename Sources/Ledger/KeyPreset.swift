/// A set of capabilities with a name, for those who do not choose each (api-contract, section 2).
///
/// No preset holds `model:run`: the key of a model is always `custom`.
public enum KeyPreset: String, Hashable, Sendable, CaseIterable {
    case readOnly = "read-only"
    case workflowDeploy = "workflow-deploy"
    case webhookReceiver = "webhook-receiver"
    case fullDeploy = "full-deploy"
    /// Whatever its owner lists, under the plan's ceiling.
    case custom

    /// What a key of the preset may do; nil when its owner lists it.
    public var capabilities: [Capability]? {
        switch self {
        case .readOnly: [.readWorkflows]
        case .workflowDeploy: [.runWorkflows, .readWorkflows]
        case .webhookReceiver: [.receiveWebhooks]
        case .fullDeploy: [.runWorkflows, .readWorkflows, .writeWorkflows]
        case .custom: nil
        }
    }
}

extension Capability {
    /// Running any workflow of the account.
    public static let runWorkflows = Capability(known: "workflow:run")
    /// Listing and reading workflows.
    public static let readWorkflows = Capability(known: "workflow:read")
    /// Making, changing and deleting workflows.
    public static let writeWorkflows = Capability(known: "workflow:write")
    /// Having the ends of asynchronous runs reported.
    public static let receiveWebhooks = Capability(known: "webhook:receive")

    private init(known text: StaticString) {
        guard let capability = Capability("\(text)") else { preconditionFailure("\(text) is no capability") }
        self = capability
    }
}
