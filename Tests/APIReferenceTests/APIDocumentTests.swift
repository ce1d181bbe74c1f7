import APIReference
import OpenAPIFiles
import TestSupport
import Testing

/// Goal: the description is whole and valid, and a mistake in its files is named.
@Suite("the description of the API")
struct APIDocumentTests {
    private static let validate = """
        import json, sys
        from openapi_spec_validator import OpenAPIV31SpecValidator
        document = json.load(sys.stdin)
        for error in OpenAPIV31SpecValidator(document).iter_errors():
            print("/".join(map(str, error.absolute_path)), error.message)
        """

    private func document() throws -> APIDocument { try APIDocument(folder: OpenAPIFiles.folder()) }

    @Test("the document is valid OpenAPI 3.1; one that is not is told apart")
    func valid() async throws {
        let document = try document()
        #expect(try await PythonTools.run(Self.validate, input: document.value.json) == "")
        var broken = document.value
        broken["info"] = nil
        #expect(try await PythonTools.run(Self.validate, input: broken.json) != "")
    }

    @Test("every example fits its schema")
    func examples() async throws {
        let script = """
            import json, sys, jsonschema, referencing
            document = json.load(sys.stdin)
            resource = referencing.Resource(contents=document, specification=referencing.jsonschema.DRAFT202012)
            registry = referencing.Registry().with_resource("urn:document", resource)
            def absolute(node):
                if isinstance(node, dict):
                    return {k: "urn:document" + v if k == "$ref" else absolute(v) for k, v in node.items()}
                return [absolute(item) for item in node] if isinstance(node, list) else node
            resource = referencing.Resource(contents=absolute(document), specification=referencing.jsonschema.DRAFT202012)
            registry = referencing.Registry().with_resource("urn:document", resource)
            count = 0
            def check(content, where):
                global count
                schema = absolute(content.get("schema", {}))
                values = [e["value"] for e in content.get("examples", {}).values()]
                values += [content["example"]] if "example" in content else []
                for value in values:
                    count += 1
                    for error in jsonschema.Draft202012Validator(schema, registry=registry).iter_errors(value):
                        print(where, error.message)
            for path, item in document["paths"].items():
                for method, operation in item.items():
                    if method == "parameters": continue
                    for type, content in operation.get("requestBody", {}).get("content", {}).items():
                        check(content, f"{method} {path} body")
                    for status, response in operation["responses"].items():
                        for type, content in response.get("content", {}).items():
                            check(content, f"{method} {path} {status}")
            print(count)
            """
        let output = try await PythonTools.run(script, input: try document().value.json)
        let lines = output.split(separator: "\n")
        #expect(lines.count == 1, "\(output)")
        #expect(lines.first.flatMap { Int($0) } ?? 0 > 50)
    }

    @Test("every code that the HTTP interface can answer with is described, and no other")
    func codes() throws {
        let document = try document()
        let used = Set(
            document.operations.flatMap { operation in
                operation.value["responses"]?.members.flatMap { response in
                    response.value["content"]?["application/json"]?["examples"]?.members.map(\.key) ?? []
                } ?? []
            }
        )
        // These answer for paths and methods that are not there.
        #expect(Set(document.errorCodes).subtracting(used) == ["METHOD_NOT_ALLOWED"])
        let sources = try SourceCodes.read()
        #expect(sources.count > 20)
        #expect(sources.subtracting(document.errorCodes) == [])
        #expect(Set(document.errorCodes).subtracting(sources) == [])
    }

    @Test("a document for fewer routes leaves out the others, and stays valid")
    func fewerRoutes() async throws {
        let health = APIDocument.Route(method: "GET", path: "/healthz")
        let document = try APIDocument(folder: OpenAPIFiles.folder(), routes: [health])
        #expect(document.operations.map(\.route) == [health])
        #expect(document.value["paths"]?.members.map(\.key) == ["/healthz"])
        #expect(try await PythonTools.run(Self.validate, input: document.value.json) == "")
    }

    @Test(
        "a mistake is named with its file",
        arguments: [
            (
                "paths/account.yaml", "    x-errors: []\n", "",
                "paths/account.yaml: GET /api/whoami: needs `x-errors`, be it empty"
            ),
            (
                "paths/account.yaml", "x-errors: []", "x-errors: [OOPS]",
                "paths/account.yaml: GET /api/whoami: `OOPS` is not in errors.yaml"
            ),
            (
                "paths/models.yaml", "    summary: List the models\n", "",
                "paths/models.yaml: GET /api/models: needs `summary`"
            ),
            ("paths/service.yaml", "/readyz:", "/healthz:", "duplicat"),
            (
                "errors.yaml", "status: 413", "status: 200",
                "errors.yaml: BODY_TOO_LARGE: `status` must be a number from 400 to 599"
            ),
            (
                "errors.yaml", "  optional: [unresolved, cost, nodes]\n", "",
                "errors.yaml: EXECUTION_FAILED: `context.unresolved` needs an `example`"
            ),
            (
                "errors.yaml", "uncounted: true, when: The name", "counted: no, when: The name",
                "errors.yaml: INVALID_SLUG: `counted` is unknown"
            ),
            ("document.yaml", "openapi: 3.1.0", "openapi: [", "document.yaml: is not YAML"),
        ]
    )
    func mistakes(file: String, text: String, replacement: String, message: String) async throws {
        try await withTemporaryFolder { folder in
            let copy = try SourceCodes.copyDescription(to: folder)
            try SourceCodes.replace(text, with: replacement, in: "\(copy)/\(file)")
            let error = #expect(throws: DescriptionError.self) { try APIDocument(folder: copy) }
            #expect(error?.description.contains(message) ?? false, "\(String(describing: error))")
        }
    }
}
