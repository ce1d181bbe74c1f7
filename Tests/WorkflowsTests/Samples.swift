import Registry
import Testing

@testable import Workflows

/// An image model priced by the image, a text model, and a model that is not enabled.
func sampleModels() throws -> ModelRegistry {
    func file(_ name: String, _ type: String, _ inputs: String, _ price: String, isEnabled: Bool = true)
        -> DefinitionFile
    {
        DefinitionFile(
            name: "\(name).yaml",
            text: """
                internalName: \(name)
                displayName: Sample
                type: \(type)
                enabled: \(isEnabled)
                requiredTier: free
                version: 1
                unresolved: {holdSeconds: 60, policy: release}
                inputs: {\(inputs)}
                rules: []
                price: \(price)
                provider: {use: sample, model: sample-1}
                """
        )
    }
    let image = """
        prompt: {type: string, minLength: 1, maxLength: 50}, seed: {type: integer, min: 1, max: 9},
          loud: {type: boolean}, ref: {type: url}, refs: {type: array, items: {type: url}, maxItems: 3},
          words: {type: array, items: {type: string, maxLength: 100}, maxItems: 4}
        """.replacing("prompt: {type: string,", with: "prompt: {type: string, required: true,")
    let price = #"{version: 1, rule: perCall, credits: "2", wholesaleMicroUSD: 1}"#
    return try ModelRegistry.load(
        files: [
            file("image", "image", image, price),
            file("text", "text", "prompt: {type: string, maxLength: 1000}", price),
            file("off", "text", "prompt: {type: string, maxLength: 1000}", price, isEnabled: false),
        ],
        providers: [
            DefinitionFile(
                name: "sample.yaml",
                text: """
                    name: sample
                    kind: http
                    baseURL: http://127.0.0.1:1
                    submit: {path: /run, body: {model: "{model}", "...": "{inputs}"}}
                    result: {outputs: [/output]}
                    """
            )
        ],
        variables: [:]
    )
}

/// A document of nodes `id type data` and edges `source.socket>target.socket`, all of them JSON or short words.
func document(nodes: [String], edges: [String] = []) throws -> WorkflowDocument {
    let nodes = try nodes.map { text in
        let parts = text.split(separator: " ", maxSplits: 2)
        let data = try JSONValue(text: parts.count > 2 ? String(parts[2]) : "{}")
        return JSONValue.object(["id": .string(String(parts[0])), "type": .string(String(parts[1])), "data": data])
    }
    let edges = edges.enumerated().map { index, text in
        var members: [String: JSONValue] = ["id": .string("e\(index + 1)")]
        for (end, names) in zip(text.split(separator: ">"), [("source", "sourceHandle"), ("target", "targetHandle")]) {
            let parts = end.split(separator: ".")
            members[names.0] = .string(String(parts[0]))
            if parts.count > 1 { members[names.1] = .string(String(parts[1])) }
        }
        return JSONValue.object(members)
    }
    return try WorkflowDocument(["name": "Sample", "nodes": .array(nodes), "edges": .array(edges)])
}

/// Issues as `node edge path message`, with `-` for what is not there.
func lines(_ issues: [WorkflowIssue]) -> [String] {
    issues.map { "\($0.node ?? "-") \($0.edge ?? "-") \($0.path.isEmpty ? "-" : $0.path) \($0.message)" }
}

/// What is wrong with the form of a document.
func formIssues(_ json: JSONValue) -> [String] {
    do throws(WorkflowError) {
        _ = try WorkflowDocument(json)
        return []
    } catch {
        return lines(error.issues)
    }
}
