import Ledger
import Registry
import Testing

@testable import Workflows

@Suite("plans of workflows")
struct PlanTests {
    @Test(
        "variables are filled in once, with their own type where they stand alone",
        arguments: [
            (#""{{x}}""#, #"{"x":5}"#, "5"), (#""{{ x }}""#, #"{"x":[1,"a"]}"#, #"[1,"a"]"#),
            (#""a {{x}} b""#, #"{"x":["c","d"]}"#, #""a c\nd b""#), (#""{{x}}""#, "{}", "null"),
            (#""a{{x}}""#, "{}", #""a""#), (#""{{a}}{{b}}""#, #"{"a":"{{b}}","b":"1"}"#, #""{{b}}1""#),
            (#""{{x y}} {{}} {{x""#, #"{"x":1,"xy":2}"#, #""{{x y}} {{}} {{x""#),
            (#""{{{x}}}""#, #"{"x":1}"#, #""{1}""#),
            (#"{"k":["{{x}}",true]}"#, #"{"x":{"b":1.50}}"#, #"{"k":[{"b":1.50},true]}"#),
            (#""é{{é}}""#, #"{"é":"ü"}"#, #""éü""#), (#""""#, "{}", #""""#),
        ]
    )
    func templates(text: String, values: String, filled: String) throws {
        let values = try #require(try JSONValue(text: values).objectValue)
        #expect(WorkflowTemplate.fill(try JSONValue(text: text), with: values).description == filled)
    }

    @Test(
        "a model gets its fixed inputs with variables, under what edges bring",
        arguments: [
            (#"{"prompt":"fixed","seed":3}"#, ["in.t>m.prompt"], #"{"prompt":"hi {{n}}","seed":3}"#),
            (#"{"prompt":"say {{v}}"}"#, ["in.t>m.v"], #"{"prompt":"say hi {{n}}"}"#),
            (#"{"prompt":"p","seed":"{{v}}"}"#, ["in.n>m.v"], #"{"prompt":"p","seed":4}"#),
            (#"{"prompt":"{{v}}","words":["a","{{v}}"]}"#, ["l>m.v"], #"{"prompt":"x\n7","words":["a","x","7"]}"#),
            (#"{"prompt":"p","seed":"{{v}}","loud":null}"#, ["in.gone>m.v"], #"{"prompt":"p"}"#),
            (#"{"prompt":"p"}"#, ["l>m.words"], #"{"prompt":"p","words":["x","7"]}"#),
            (#"{"prompt":"p"}"#, ["in.u>m.refs"], #"{"prompt":"p","refs":["http://u"]}"#),
            (#"{"prompt":"p"}"#, ["pics>m.ref"], #"{"prompt":"p","ref":"http://1"}"#),
            (#"{"prompt":"p"}"#, ["empty>m.ref"], #"{"prompt":"p"}"#),
            (#"{"prompt":"p"}"#, ["empty>m.prompt"], #"{"prompt":"p"}"#),
        ]
    )
    func bindings(inputs: String, edges: [String], expected: String) throws {
        let fields =
            #"{"fields":[{"name":"t"},{"name":"n","type":"number"},{"name":"u","type":"media"},{"name":"gone"}]}"#
        let graph = try document(
            nodes: [
                "in requestInput " + fields, "l list", "pics list", "empty list",
                #"m model {"model":"image","inputs":\#(inputs)}"#,
            ],
            edges: edges
        ).graph
        let results: [String: [String: JSONValue]] = [
            "in": ["t": "hi {{n}}", "n": 4, "u": "http://u"], "l": ["items": ["x", 7]],
            "pics": ["items": ["http://1", "http://2"]], "empty": ["items": []],
        ]
        let models = try sampleModels()
        #expect(graph.modelInputs(of: "m", from: results, models: models)?.description == expected)
        #expect(graph.modelInputs(of: "l", from: results, models: models) == nil)
    }

    @Test("a list gives its own items, then those of its edges in the document's order")
    func listItems() throws {
        let graph = try document(nodes: [#"l list {"items":[1]}"#, "a list", "b list"], edges: ["b>l", "a>l"]).graph
        let items = graph.items(
            of: "l",
            from: ["a": ["items": [2]], "b": ["items": [3, 4]]],
            models: try sampleModels()
        )
        #expect(items == [1, 3, 4, 2])
    }

    @Test("the schema is the connected fields with their defaults")
    func schema() throws {
        let graph = try document(
            nodes: [
                #"""
                in requestInput {"fields":[{"name":"p","required":true,"label":"Prompt"},
                 {"name":"n","type":"slider","min":1,"max":2.5,"default":2,"required":true}]}
                """#,
                #"two requestInput {"fields":[{"name":"p"},{"name":"k","type":"pills","options":["a"]}]}"#,
                #"idle requestInput {"fields":[{"name":"idle"}]}"#, "o responseOutput",
            ],
            edges: ["in.p>o", "two.k>o"]
        ).graph
        #expect(
            graph.fieldList.description == #"[{"label":"Prompt","name":"p","required":true,"type":"text"},"#
                + #"{"default":2,"label":"n","max":2.5,"min":1,"name":"n","required":false,"type":"slider"},"#
                + #"{"label":"k","name":"k","options":["a"],"required":false,"type":"pills"}]"#
        )
        #expect(graph.defaultValues == ["n": 2])
        guard case .valid(let values) = graph.inputSchema.validate(["p": "x"]) else {
            Issue.record("the defaults were not enough")
            return
        }
        #expect(values.json == ["p": "x", "n": 2])
        guard case .invalid(let issues) = graph.inputSchema.validate(["n": 3, "k": "b"]) else {
            Issue.record("wrong values passed")
            return
        }
        #expect(issues.map(\.path) == ["k", "n", "p"])
    }

    @Test(
        "a cost is estimated where every model's inputs are known before a run",
        arguments: [
            (#"{"name":"p","default":"x"}"#, ["in.p>m.prompt", "m>o"], Credits(microcredits: 4_000_000)),
            (#"{"name":"p"}"#, ["in.p>m.prompt", "m>o"], nil),
        ]
    )
    func estimate(field: String, edges: [String], cost: Credits?) throws {
        let graph = try document(
            nodes: [
                #"in requestInput {"fields":[\#(field)]}"#, #"m model {"model":"image"}"#,
                #"t model {"model":"text","inputs":{"prompt":"x"}}"#, "o responseOutput",
            ],
            edges: edges + ["t>o"]
        ).graph
        #expect(graph.estimatedCost(models: try sampleModels()) == cost)
        #expect(try WorkflowDocument(["name": "A"]).graph.estimatedCost(models: try sampleModels()) == nil)
    }
}
