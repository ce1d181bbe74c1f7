import Hummingbird
import HummingbirdTesting
import Ledger
import NIOCore
import Registry
import RunTestSupport
import Runs
import Testing

@Suite("answers about models")
struct ModelRouteTests {
    private func get(_ uri: String, key: APIRequest.Key = .own, headers: [(String, String)] = []) -> APIRequest {
        APIRequest(uri, method: .get, key: key, headers: headers, body: "")
    }

    private func registry(_ text: String) throws -> ModelRegistry {
        let provider = """
            name: sample
            kind: http
            baseURL: http://127.0.0.1:1
            submit: {path: /run, body: "{inputs}"}
            result: {outputs: [/output]}
            """
        return try ModelRegistry.load(
            files: [DefinitionFile(name: "echo.yaml", text: text)],
            providers: [DefinitionFile(name: "sample.yaml", text: provider)],
            variables: [:]
        )
    }

    @Test("the list has every enabled model with what a client needs to choose, whatever the key may do")
    func list() async throws {
        let bench = try APIBench(capabilities: ["execution:read"])
        let answer = try await bench.answer(get("/api/models"))
        let parts = answer.split(separator: "\n\n")
        #expect(answer.hasPrefix("200 OK\nCache-Control: private, no-cache\nContent-Type: application/json\nETag: \""))
        let models = try #require(try JSONValue(text: String(parts[1]))["models"]?.arrayValue)
        #expect(models.map { $0["internalName"] } == ["echo", "picture", "studio"])
        #expect(
            models[1].description == """
                {"displayName":"picture","internalName":"picture","price":{"basis":"perImage","creditsFrom":10.000001,\
                "creditsTo":10.000001,"version":2},"provider":"http","requiredTier":"business",\
                "schema":"/api/models/picture/schema","supportsAsync":false,"type":"image","version":3}
                """
        )
    }

    @Test("a schema is JSON Schema; a client that has it is told so")
    func schema() async throws {
        let bench = try APIBench()
        let answer = try await bench.answer(get("/api/models/echo/schema"))
        #expect(answer.contains("\nContent-Type: application/schema+json\n"))
        #expect(
            answer.hasSuffix(
                """
                {"$schema":"https://json-schema.org/draft/2020-12/schema","additionalProperties":false,\
                "properties":{"n":{"default":1,"maximum":4,"minimum":1,"type":"integer"},\
                "prompt":{"maxLength":1048576,"minLength":1,"type":"string"}},"required":["prompt"],"title":"echo",\
                "type":"object"}
                """
            )
        )
        let line = try #require(answer.split(separator: "\n").first { $0.hasPrefix("ETag: ") })
        let tag = String(line.dropFirst(6))
        for known in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
            let again = try await bench.answer(get("/api/models/echo/schema", headers: [("If-None-Match", known)]))
            #expect(again.hasPrefix("304 Not Modified\nCache-Control: private, no-cache\nETag: \(tag)\n"))
            #expect(again.hasSuffix("\n\n"))
        }
        let other = try await bench.answer(get("/api/models/picture/schema", headers: [("If-None-Match", tag)]))
        #expect(other.hasPrefix("200 OK"))
    }

    @Test("what changes while the service runs is in the next answer")
    func reload() async throws {
        let bench = try APIBench()
        let before = try await bench.answer(get("/api/models/echo/schema"))
        let text = """
            internalName: echo
            displayName: Echo
            type: text
            requiredTier: free
            version: 4
            unresolved: {holdSeconds: 600, policy: release}
            inputs: {prompt: {type: string, required: true, maxLength: 5}}
            price: {version: 3, rule: perCall, credits: "2", outputs: 2, wholesaleMicroUSD: 900}
            provider: {use: sample}
            """
        let next = try registry(text)
        #expect(try bench.service.replaceRegistry(next).removed == ["picture", "studio"])
        #expect(try await bench.answer(get("/api/models/echo/schema")) != before)
        #expect(try await bench.answer(get("/api/models/picture/schema")).hasPrefix("404 Not Found"))
        let price = #""price":{"basis":"perCall","creditsFrom":2,"creditsTo":2,"outputs":2,"version":3}"#
        #expect(try await bench.answer(get("/api/models")).contains(price))
        #expect(try await bench.answer(APIRequest()).contains(#""cost":2,"#))
        // The same version with another price is not taken over.
        let wrong = text.replacing("credits: \"2\"", with: "credits: \"3\"")
        let cheat = try registry(wrong)
        #expect(throws: RegistryError.self) { try bench.service.replaceRegistry(cheat) }
        #expect(try await bench.answer(APIRequest()).contains(#""cost":2,"#))
    }

    @Test(
        "what is no model, no name, no key or no GET is told apart",
        arguments: [
            (APIRequest("/api/models/nothing/schema", method: .get), 404, "MODEL_NOT_FOUND"),
            (APIRequest("/api/models/No%20Slug/schema", method: .get), 400, "INVALID_SLUG"),
            (APIRequest("/api/models", method: .get, key: .none), 401, "UNAUTHORIZED"),
            (APIRequest("/api/models/echo/schema", method: .get, key: .text("knouds_live_x")), 401, "UNAUTHORIZED"),
            (APIRequest("/api/models", method: .post), 405, "METHOD_NOT_ALLOWED"),
            (APIRequest("/api/models/echo/schema", method: .delete), 405, "METHOD_NOT_ALLOWED"),
        ]
    )
    func refusals(request: APIRequest, status: Int, code: String) async throws {
        let answer = try await APIBench().answer(request)
        #expect(answer.hasPrefix("\(status) "))
        #expect(answer.contains(#""code":"\#(code)""#))
    }

    @Test("a key that was revoked reads nothing more, though it was seen before")
    func revoked() async throws {
        let bench = try APIBench()
        #expect(try await bench.answer(get("/api/models")).hasPrefix("200 "))
        bench.ledger.administer(.revokeKey(bench.account.secret.keyID), of: bench.account.id)
        #expect(try await bench.answer(get("/api/models")).hasPrefix("401 "))
    }

    @Test("HEAD has the headers of GET and no body")
    func head() async throws {
        let answer = try await APIBench().answer(APIRequest("/api/models", method: .head, body: ""))
        #expect(answer.hasPrefix("200 OK"))
        #expect(answer.hasSuffix("\n\n"))
    }
}
