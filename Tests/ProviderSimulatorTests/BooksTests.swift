import ProviderSimulator
import Registry
import Testing

@Suite("books and scripts")
struct BooksTests {
    private static func send(
        _ simulator: LiveSimulator,
        to path: String,
        key: String = "Bearer k",
        prompt: String = "x",
        id: String
    ) async throws -> UInt {
        let body: JSONValue = ["model": "m", "prompt": .string(prompt), "input": ["prompt": .string(prompt)]]
        let headers = [("X-Client-Request-Id", id)]
        return try await simulator.ask(.post, path, body, key: key, headers: headers).status
    }

    @Test("every wire books a run under our id, by provider, and shows what was accepted twice")
    func statement() async throws {
        try await LiveSimulator.run { simulator async throws in
            let paths = [
                "/v1/text/generate": "text-http", "/v1/images/generate": "image-http", "/api/v1/jobs/createTask": "kie",
                "/fal/queue/fal-ai/flux": "fal", "/openai/v1/images/generations": "openai",
                "/kling/v1/videos/text2video": "kling", "/replicate/v1/models/a/b/predictions": "replicate",
            ]
            for (path, provider) in paths {
                let key = provider == "fal" ? "Key k" : "Bearer k"
                for prompt in ["x", "x", "[[fault:fail]]", "[[fault:rateLimit]]"] {
                    _ = try await Self.send(simulator, to: path, key: key, prompt: prompt, id: "run-\(provider)")
                }
            }
            let books = try await simulator.ask(.get, "/_simulator/books").json
            let expected: JSONValue = [
                "submitted": 4, "refused": 1, "accepted": 3, "open": 0, "succeeded": 2, "failed": 1, "cancelled": 0,
                "duplicates": 2, "callbacks": 0,
            ]
            for provider in paths.values {
                #expect(books["providers"]?[provider] == expected, "\(provider)")
                #expect(books["runs"]?["run-\(provider)"]?[provider] == expected)
            }
        }
    }

    @Test("chaos is one setting: a fifth of the runs meets a fault, the same ones each time")
    func chaos() async throws {
        var faults: [[JSONValue?]] = []
        for _ in 0..<2 {
            faults.append(
                try await LiveSimulator.run { simulator async throws in
                    let script: JSONValue = ["chaos": .decimal("0.2"), "seed": 7]
                    #expect(try await simulator.ask(.post, "/_simulator/script", script).status == 204)
                    for number in 0..<500 {
                        // The body of a run that is dropped or cut can't be read, which is what it is for.
                        _ = try? await Self.send(
                            simulator,
                            to: "/fal/queue/fal-ai/flux",
                            key: "Key k",
                            id: "run-\(number)"
                        )
                    }
                    let runs = try await simulator.ask(.get, "/_simulator/runs").json["runs"]?.arrayValue ?? []
                    return runs.map { $0["fault"] }
                }
            )
        }
        #expect(faults[0] == faults[1])
        #expect(faults[0].count == 500)
        #expect((60...140).contains(faults[0].count { $0 != .null }))
        #expect(Set(faults[0]).count > 10)
    }

    @Test("a script is for a provider, for a model, or for all, and the nearest counts")
    func scopes() async throws {
        try await LiveSimulator.run { simulator async throws in
            for (scope, fault) in [("*", "error500"), ("fal", "rateLimit")] {
                let script: JSONValue = ["provider": .string(scope), "rates": [fault: 1]]
                #expect(try await simulator.ask(.post, "/_simulator/script", script).status == 204)
            }
            let script: JSONValue = ["provider": "fal", "model": "fal-ai/flux", "rates": ["noCredit": 1]]
            #expect(try await simulator.ask(.post, "/_simulator/script", script).status == 204)
            #expect(try await Self.send(simulator, to: "/v1/text/generate", id: "a") == 500)
            #expect(try await Self.send(simulator, to: "/fal/queue/fal-ai/other", key: "Key k", id: "b") == 429)
            #expect(try await Self.send(simulator, to: "/fal/queue/fal-ai/flux", key: "Key k", id: "c") == 403)
        }
    }

    @Test(
        "a setting that can't be meant is refused with the reason",
        arguments: [
            ("script", #"{"chaos":1.2}"#, "chaos must be a number from 0 to 1"),
            ("script", #"{"chaos":0.1,"rates":{}}"#, "a script has rates or chaos, not both"),
            ("script", #"{"provider":""}"#, "provider must be a name or *"),
            ("script", #"{"mediaBytes":2147483649}"#, "mediaBytes must be a whole number from 0 to 2147483648"),
            ("skip", #"{"milliseconds":-1}"#, "milliseconds must be a whole number from 0 to 86400000"),
            ("settings", "[]", "the settings must be an object"),
            ("settings", #"{"keys":{"fal":""}}"#, "keys.fal must be a text that is not empty"),
            ("settings", #"{"slots":{"kling":-1}}"#, "slots.kling must be a number from 0 to 1000000"),
            ("settings", #"{"callbackSecret":"whsec_c2hvcnQ="}"#, "callbackSecret must be whsec_ and 24 to 64 bytes"),
            ("settings", #"{"colour":1}"#, "unknown key colour"),
        ]
    )
    func malformed(route: String, text: String, reason: String) async throws {
        try await LiveSimulator.run { simulator async throws in
            let answer = try await simulator.ask(.post, "/_simulator/\(route)", try JSONValue(text: text))
            #expect(answer.status == 400)
            #expect(answer.json["error"]?.stringValue?.hasPrefix(reason) == true, "\(answer.json)")
        }
    }

    @Test("a vendor with a key takes no other")
    func keys() async throws {
        try await LiveSimulator.run { simulator async throws in
            let settings: JSONValue = [
                "keys": [
                    "fal": "id:secret", "openai": "sk-1", "anthropic": "sk-2", "replicate": "r8", "ark": "a",
                    "suno": "s",
                ]
            ]
            #expect(try await simulator.ask(.post, "/_simulator/settings", settings).status == 204)
            let path = "/openai/v1/images/generations"
            #expect(try await Self.send(simulator, to: path, key: "Bearer sk-1", id: "a") == 200)
            #expect(try await Self.send(simulator, to: path, key: "Bearer sk-2", id: "a") == 401)
            #expect(try await Self.send(simulator, to: path, key: "Basic sk-1", id: "a") == 401)
            #expect(try await Self.send(simulator, to: "/fal/queue/a/b", key: "Key id:secret", id: "a") == 200)
            #expect(try await Self.send(simulator, to: "/fal/queue/a/b", key: "Bearer id:secret", id: "a") == 401)
            #expect(try await Self.send(simulator, to: "/replicate/v1/models/a/b/predictions", id: "a") == 401)
            let path2 = "/anthropic/v1/messages"
            let answer = try await simulator.ask(.post, path2, [:], key: nil, headers: [("x-api-key", "sk-1")])
            #expect(answer.status == 401)
            #expect(answer.json["error"]?["type"] == "authentication_error")
            let suno = try await simulator.ask(.post, "/suno/api/v1/generate", [:])
            #expect(suno.json["code"] == 401)
        }
    }
}
