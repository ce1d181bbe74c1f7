import Registry
import Testing

@testable import Workflows

@Suite("documents of workflows")
struct DocumentTests {
    private static func text(_ count: Int) -> JSONValue { .string(String(repeating: "x", count: count)) }

    private static func nodes(_ count: Int) -> JSONValue {
        .array((0..<count).map { ["id": .string("n\($0)"), "type": "note"] })
    }

    private static func edges(_ count: Int) -> JSONValue {
        .array((0..<count).map { ["id": .string("e\($0)"), "source": "a", "target": "b"] })
    }

    @Test("each limit lets its last value pass and names itself one later")
    func limits() {
        func check(_ member: String, _ good: JSONValue, _ bad: JSONValue, _ line: String) {
            var document: [String: JSONValue] = ["name": "A"]
            document[member] = good
            #expect(formIssues(.object(document)) == [])
            document[member] = bad
            #expect(formIssues(.object(document)) == [line])
        }
        check("name", Self.text(200), Self.text(201), "- - /name must have at most 200 characters")
        check("description", Self.text(5_000), Self.text(5_001), "- - /description must have at most 5000 characters")
        let tags = Array(repeating: JSONValue.string("t"), count: 21)
        check("tags", .array(tags.dropLast()), .array(tags), "- - /tags must have at most 20 elements")
        check("tags", [Self.text(50)], [Self.text(51)], "- - /tags/0 must have at most 50 characters")
        check("nodes", Self.nodes(200), Self.nodes(201), "- - /nodes must have at most 200 elements, not 201")
        check("edges", Self.edges(1_000), Self.edges(1_001), "- - /edges must have at most 1000 elements, not 1001")
        // {"name":"A","x":"…"} has 19 bytes without its text.
        check("x", Self.text((1 << 19) - 19), Self.text((1 << 19) - 18), "- - - is larger than 524288 bytes")
    }

    @Test("every problem is reported at once, with its node or edge and a pointer")
    func everyProblem() throws {
        let json = try JSONValue(
            text: #"""
                {"name":5,"description":[],"tags":["a",null,7],"publicPlayground":"yes","viewport":1,
                 "nodes":[7,{"id":""},{"id":"a","type":4},{"id":"m","type":"model","data":{}},{"id":"m","type":"list"},
                  {"id":"l","type":"list","data":{"items":3}},{"id":"d","type":"note","data":[]}],
                 "edges":[null,{"id":"e"},{"id":"f","source":"a","target":"b","sourceHandle":3}]}
                """#
        )
        #expect(
            formIssues(json) == [
                "- - /name must be a string, not a number", "- - /description must be a string, not an array",
                "- - /tags/1 must be a string, not null", "- - /tags/2 must be a string, not a number",
                "- - /publicPlayground must be true or false, not a string",
                "- - /viewport must be an object with x, y and zoom, not a number",
                "- - /nodes/0 must be an object, not a number",
                "- - /nodes/1/id must be a string of 1 to 100 characters", "a - /nodes/2/type must be a string",
                "m - /nodes/3/data/model must be a model's internal name", "m - /nodes/4/id the id m is used twice",
                "l - /nodes/5/data/items must be an array, not a number",
                "d - /nodes/6/data must be an object, not an array", "- - /edges/0 must be an object, not null",
                "- e /edges/1/source must be a string", "- e /edges/1/target must be a string",
                "- f /edges/2/sourceHandle must be a string",
            ]
        )
    }

    @Test(
        "the data of a node is checked",
        arguments: [
            (#"list {"items":[1]}"#, []),
            (
                #"httpRequest {"url":"ftp://a","method":"TRACE"}"#,
                [
                    "n - /nodes/0/data/method must be one of GET, POST, PUT, PATCH, DELETE",
                    "n - /nodes/0/data/url must begin with https:// or http://",
                ]
            ),
            (#"httpRequest {}"#, ["n - /nodes/0/data/url an http or https URL is needed"]),
            (
                #"httpRequest {"url":"http://a","headers":{"Host":"b","a b":"c","D":"e\n","F":"g\u007f","X-Ok":"y"}}"#,
                [
                    "n - /nodes/0/data/headers D must be a string of at most 4096 bytes on one line",
                    "n - /nodes/0/data/headers F must be a string of at most 4096 bytes on one line",
                    "n - /nodes/0/data/headers the header Host can't be set",
                    "n - /nodes/0/data/headers the header a b can't be set",
                ]
            ),
            (
                #"requestInput {"fields":[7,{},{"name":"a","type":"date"},{"name":"a","type":5}]}"#,
                [
                    "n - /nodes/0/data/fields/0 must be an object, not a number",
                    "n - /nodes/0/data/fields/1/name must be a string of 1 to 100 characters",
                    "n - /nodes/0/data/fields/2/type must be one of text, textarea, number, slider, pills, toggle, media",
                    "n - /nodes/0/data/fields/3/type must be a string, not a number",
                ]
            ),
            (
                #"requestInput {"fields":[{"name":"a","type":"pills"},{"name":"a"},{"name":"b","type":"toggle","default":1}]}"#,
                [
                    "n - /nodes/0/data/fields/0/options pills need options",
                    "n - /nodes/0/data/fields/1/name the field a is there twice",
                    "n - /nodes/0/data/fields/2/default must be true or false, not a number",
                ]
            ),
            (
                #"requestInput {"fields":[{"name":"a","type":"slider","min":5,"max":4},{"name":"b","type":"number","max":"9"}]}"#,
                [
                    "n - /nodes/0/data/fields/0/min must be at most 4",
                    "n - /nodes/0/data/fields/1/max must be a number",
                ]
            ),
        ]
    )
    func data(node: String, issues: [String]) {
        do throws(any Error) {
            _ = try document(nodes: ["n " + node])
            #expect(issues == [])
        } catch {
            #expect((error as? WorkflowError).map { lines($0.issues) } == issues)
        }
    }

    @Test("members that the service does not know come back, those that it computes do not")
    func roundTrip() throws {
        let json = try JSONValue(
            text: #"""
                {"name":"A","viewport":{"x":0.50,"y":1,"zoom":1e0},"editor":{"theme":"dark"},"slug":"b","version":4,
                 "nodes":[{"id":"n","type":"note","position":{"x":1},"data":{"text":"hi"},"selected":true}]}
                """#
        )
        let read = try WorkflowDocument(json)
        var expected = try #require(json.objectValue)
        expected["slug"] = nil
        expected["version"] = nil
        #expect(read.json == .object(expected))
        #expect(try WorkflowDocument(read.json) == read)
        #expect(read.graph.nodes.map(\.kind) == [.other("note")])
    }

    @Test("a blank name becomes one that people can read; a missing one is refused")
    func blankName() throws {
        #expect(try WorkflowDocument(["name": " \n"]).json == ["name": "Untitled workflow"])
        #expect(formIssues([:]) == ["- - /name is required"])
        #expect(formIssues([]) == ["- - - must be an object, not an array"])
    }
}
