import Registry
import Testing

@testable import Workflows

@Suite("graphs of workflows")
struct GraphTests {
    private static let entry = #"in requestInput {"fields":[{"name":"p"},{"name":"u","type":"media"}]}"#

    struct Row: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let nodes: [String]
        let edges: [String]
        let issues: [String]
        init(_ name: String, _ nodes: [String], _ edges: [String], _ issues: [String]) {
            (self.testDescription, self.nodes, self.edges, self.issues) = (name, nodes, edges, issues)
        }
    }

    private static let image = #"m model {"model":"image"}"#
    private static let out = "o responseOutput"

    @Test(
        "what keeps a graph from running is named",
        arguments: [
            Row("sound", [entry, image, out], ["in.p>m.prompt", "in.u>m.ref", "m>o"], []),
            Row("draft", [], ["a>b"], []),
            Row("a note without an edge is only kept", [entry, out, "x note"], ["in.p>o"], []),
            Row("no output", [entry, "l list"], ["in.p>l"], ["- - /nodes there is no Response Output node"]),
            Row(
                "two outputs",
                [entry, out, "q responseOutput"],
                ["in.p>o", "in.p>q"],
                [
                    "q - /nodes there can be one Response Output node only"
                ]
            ),
            Row("nothing into the output", [out], [], ["o - /nodes nothing is connected to the input value"]),
            Row(
                "cycle",
                ["a list", "b list", out],
                ["a>b", "b>a", "b>o"],
                [
                    "a - /nodes is part of a cycle, or depends on one",
                    "b - /nodes is part of a cycle, or depends on one",
                    "o - /nodes is part of a cycle, or depends on one",
                ]
            ),
            Row(
                "dangling",
                [entry, out],
                ["in.p>o", "x>o", "in.p>y"],
                [
                    "- e2 /edges there is no node x", "- e3 /edges there is no node y",
                ]
            ),
            Row(
                "wrong and ambiguous sockets",
                [entry, image, out],
                ["in>o", "in.z>o", "in.p>m", "in.p>m.prompt", "m.text>o", "m>o"],
                [
                    "in e1 /edges the node has no output of its own to choose", "in e2 /edges the node has no output z",
                    "m e3 /edges the node has no input of its own to choose", "m e5 /edges the node has no output text",
                ]
            ),
            Row(
                "types",
                [entry, image, out],
                ["in.p>m.prompt", "in.p>m.ref", "in.u>m.seed", "m>o"],
                [
                    "m e2 /edges the input ref takes media, not text",
                    "m e3 /edges the input seed takes number, not media",
                ]
            ),
            Row(
                "two edges into one socket",
                [entry, image, out],
                ["in.p>m.prompt", "in.u>m.prompt", "m>o"],
                [
                    "m - /edges the input prompt has 2 edges"
                ]
            ),
            Row(
                "unknown models",
                [entry, "x model {\"model\":\"none\"}", "y model {\"model\":\"off\"}", out],
                ["in.p>x.prompt", "x>o", "y>o"],
                [
                    "x - /nodes there is no enabled model none", "y - /nodes there is no enabled model off",
                ]
            ),
            Row(
                "inputs of a model",
                [#"m model {"model":"image","inputs":{"seed":10,"loud":null,"zz":1}}"#, out],
                ["m>o"],
                [
                    "m - /nodes the input prompt is required", "m - /nodes the input seed must be between 1 and 9",
                    "m - /nodes the input zz is not a field of this model",
                ]
            ),
            Row(
                "variables without an edge",
                [
                    #"m model {"model":"image","inputs":{"prompt":"a {{b}} {{a}}"}}"#,
                    #"h httpRequest {"url":"http://a/{{c}}"}"#, out,
                ],
                ["m>o", "h.body>o"],
                [
                    "m - /nodes nothing is connected to the variable a",
                    "m - /nodes nothing is connected to the variable b",
                    "h - /nodes nothing is connected to the variable c",
                ]
            ),
            Row(
                "does not lead to the output",
                [entry, "l list", out],
                ["in.p>o", "in.p>l"],
                [
                    "l - /nodes does not lead to the Response Output node"
                ]
            ),
            Row(
                "an unknown type with an edge",
                [entry, "x note", out],
                ["in.p>o", "x.a>o"],
                [
                    "x e2 /edges the node has no output a", "x - /nodes nodes of type note can't be connected",
                ]
            ),
        ]
    )
    func issues(row: Row) throws {
        let graph = try document(nodes: row.nodes, edges: row.edges).graph
        #expect(lines(graph.issues(models: try sampleModels())) == row.issues)
    }

    @Test("nodes run by levels in the document's order; a cycle names what can't")
    func order() throws {
        let nodes = ["o responseOutput", "c list", "a list", "b list", "alone list"]
        let graph = try document(nodes: nodes, edges: ["a>c", "b>c", "c>o", "a>o"]).graph
        #expect(graph.order() == .levels([["a", "b"], ["c"], ["o"]]))
        let cycle = try document(nodes: nodes, edges: ["a>b", "b>b", "b>c", "c>o"]).graph
        #expect(cycle.order() == .cycle(["o", "c", "b"]))
    }

    @Test("a document full of braces and edges is checked in reasonable time", .timeLimit(.minutes(1)))
    func hostileText() throws {
        let braces = String(repeating: "{", count: 400_000)
        let edges = (0..<1_000).map { _ in "a>h.x" }
        let nodes = ["a list", #"h httpRequest {"url":"http://a","body":"\#(braces){{x}}"}"#, "o responseOutput"]
        let graph = try document(nodes: nodes, edges: edges).graph
        #expect(!graph.issues(models: try sampleModels()).isEmpty)
    }
}
