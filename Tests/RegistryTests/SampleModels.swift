import Foundation
import Ledger
import Registry
import Testing

/// A definition whose inputs, rules and price are given; every line of them is indented by two.
func definitionText(
    _ name: String = "sample",
    version: Int = 1,
    inputs: String,
    rules: String = "",
    price: String = #"{version: 1, rule: perCall, credits: "1", wholesaleMicroUSD: 1}"#
) -> String {
    func indented(_ text: String) -> String {
        text.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
    }
    return """
        internalName: \(name)
        displayName: Sample
        type: image
        requiredTier: free
        version: \(version)
        unresolved: {holdSeconds: 60, policy: release}
        inputs:
        \(indented(inputs))
        \(rules.isEmpty ? "rules: []" : "rules:\n" + indented(rules))
        price: \(price)
        provider: {use: sample, model: sample-1}
        """
}

/// The provider that these definitions use.
let sampleProviderText = """
    name: sample
    kind: http
    baseURL: http://127.0.0.1:1
    submit: {path: /run, body: {model: "{model}", "...": "{inputs}"}}
    result: {outputs: [/output]}
    """

/// A registry of definitions in texts, by file name.
func sampleRegistry(_ files: [DefinitionFile]) throws(RegistryError) -> ModelRegistry {
    let providers = [DefinitionFile(name: "sample.yaml", text: sampleProviderText)]
    return try ModelRegistry.load(files: files, providers: providers, variables: [:])
}

/// The one model that a definition makes.
func sampleModel(
    inputs: String,
    rules: String = "",
    price: String = #"{version: 1, rule: perCall, credits: "1", wholesaleMicroUSD: 1}"#
) throws -> ModelDefinition {
    let text = definitionText(inputs: inputs, rules: rules, price: price)
    let registry = try sampleRegistry([DefinitionFile(name: "a.yaml", text: text)])
    return try #require(registry.model(named: "sample"))
}

/// What is wrong with a definition, one issue after the other.
func definitionIssues(_ text: String) -> String {
    do {
        _ = try sampleRegistry([DefinitionFile(name: "a.yaml", text: text)])
        return ""
    } catch {
        return error.issues.map(\.description).joined(separator: "|")
    }
}

/// A model with every kind of field, and every kind of rule at both levels.
func richModel() throws -> ModelDefinition {
    try sampleModel(
        inputs: """
            mode: {type: string, enum: [simple, custom], default: simple}
            prompt: {type: string, minLength: 1, maxLength: 20}
            shots: {type: array, items: {type: string, maxLength: 5}, minItems: 1, maxItems: 2}
            style: {type: string, maxLength: 8}
            title: {type: string, maxLength: 8}
            ratio: {type: string, enum: [auto, "1:1", "16:9"], default: auto}
            size: {type: string, enum: [1K, 2K, 4K], default: 1K}
            first: {type: url}
            last: {type: url}
            refs: {type: array, items: {type: url}, maxItems: 3}
            seconds: {type: numericString, min: 3, max: 15, default: "5"}
            count: {type: integer, min: 1, max: 4, default: 1}
            fps: {type: integer, enum: [24, 30]}
            scale: {type: number, min: "0", max: "0.5"}
            sound: {type: boolean, default: false}
            elements:
              type: array
              minItems: 1
              maxItems: 2
              items:
                type: object
                fields:
                  image: {type: url}
                  video: {type: url}
                  views: {type: array, items: {type: url}, maxItems: 2}
                  weight: {type: integer, min: 1, max: 9, default: 5}
                rules:
                  - xor: [image, video]
                  - forbiddenWith: {video: [views]}
            """,
        rules: """
            - xor: [prompt, shots]
            - requiredWith: {last: [first]}
            - forbiddenWith: {refs: [first, last]}
            - when: {mode: custom}
              required: [style, title]
            - when: {mode: simple}
              forbidden: [style, title]
              limits: {prompt: {maxLength: 10}}
            - when: {sound: true}
              anyOf: [first, refs]
            - when: {ratio: "1:1", sound: [false]}
              limits: {size: {enum: [1K, 2K]}, seconds: {max: 10}, count: {max: 2}}
            """
    )
}

/// What a model says of inputs: the inputs with defaults, or every problem.
func verdict(_ model: ModelDefinition, _ text: String) throws -> String {
    switch model.validate(try JSONValue(text: text)) {
    case .valid(let inputs): inputs.json.description
    case .invalid(let issues): issues.map { "\($0.path) \($0.message)" }.joined(separator: "; ")
    }
}
