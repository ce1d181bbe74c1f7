import Foundation
import Registry
import TestSupport
import Testing

/// The published schema and our own checks must agree. Method: the same inputs are judged by both, the schema's side by
/// the `jsonschema` package of Python: a table with every kind of field and rule, and inputs that are made at random from
/// the fields of every shipped model.
@Suite("published schemas")
struct JSONSchemaTests {
    private struct Subject {
        let model: ModelDefinition
        let inputs: [JSONValue]
    }

    @Test("what the schema accepts, the service accepts, and nothing else")
    func agreement() async throws {
        let rich = try richModel()
        let table = InputRuleTests.table.map(\.left) + Self.edges
        var subjects = [Subject(model: rich, inputs: try table.map { try JSONValue(text: $0) })]
        let shipped = try ModelRegistry.load(folder: modelsFolder, variables: variables).models
        var generator = SplitMix64(seed: 0x5EED)
        for model in [rich] + shipped {
            let inputs = (0..<150).map { _ in randomInputs(model.inputs, using: &generator) }
            subjects.append(Subject(model: model, inputs: inputs))
        }
        let verdicts = try await Self.judge(subjects)
        var accepted = 0
        for (subject, answers) in zip(subjects, verdicts) {
            try #require(answers.count == subject.inputs.count)
            for (inputs, answer) in zip(subject.inputs, answers) {
                let outcome = subject.model.validate(inputs)
                if case .valid = outcome { accepted += 1 }
                #expect(
                    outcome.isValid == answer,
                    "\(subject.model.internalName) \(inputs): ours \(outcome), the schema \(answer)"
                )
            }
        }
        // Random inputs that are all refused would say little.
        #expect(accepted > 100)
    }

    @Test("a schema says what a client's form needs: titles, defaults, choices, limits")
    func content() throws {
        let schema = try richModel().inputs.jsonSchema(title: "Sample")
        #expect(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema")
        #expect(schema["title"] == "Sample")
        #expect(schema["additionalProperties"] == false)
        #expect(
            schema["properties"]?["size"]?.description == #"{"default":"1K","enum":["1K","2K","4K"],"type":"string"}"#
        )
        #expect(schema["dependentRequired"]?.description == #"{"last":["first"]}"#)
        #expect(
            schema["dependentSchemas"]?.description == #"{"refs":{"properties":{"first":false,"last":false}}}"#
        )
        #expect(
            schema["allOf"]?.arrayValue?.first?.description
                == #"{"oneOf":[{"required":["prompt"]},{"required":["shots"]}]}"#
        )
    }

    /// Values at the edges of types, each in the one field that it is about.
    private static let edges =
        [
            #""seconds":"3""#, #""seconds":"16""#, #""seconds":"05""#, #""seconds":5"#, #""count":2.0"#,
            #""count":1.5"#,
            #""count":0"#, #""count":true"#, #""count":null"#, #""fps":24"#, #""fps":30.0"#, #""fps":25"#,
            #""scale":0.5"#,
            #""scale":0.51"#, #""scale":-1"#, #""scale":"0""#, #""sound":1"#, #""sound":0"#, #""ratio":"2:1""#,
            #""first":"HTTP://A""#, #""first":"https://""#, #""first":"https:///x""#, #""first":"https://:80""#,
            #""first":"https://a b""#, #""first":"https://a/b?c#d""#, #""first":"ftp://a""#, #""first":"https://ä.de""#,
            #""first":"https://a\\b""#, #""first":"https://a/\\b""#, #""first":"https://a?\\""#,
            #""first":" https://a""#,
            #""first":"http://[::1]:80/""#, #""refs":["https://a","https://b","https://c","https://d"]"#, #""refs":{}"#,
            #""elements":[]"#, #""elements":[{}]"#, #""elements":[{"image":"https://a","weight":10}]"#,
            #""elements":[{"image":"https://a","weight":9,"views":["https://a"]}]"#,
        ].map { #"{"prompt":"hi","# + $0 + "}" } + [#"{"prompt":"héé😀é"}"#, #"{"prompt":""}"#, "[]", "null", "1"]

    /// Judges inputs by the published schemas; a schema that is none fails the test.
    private static func judge(_ subjects: [Subject]) async throws -> [[Bool]] {
        let program = """
            import json, sys
            from jsonschema import Draft202012Validator
            verdicts = []
            for subject in json.load(open(sys.argv[1])):
                Draft202012Validator.check_schema(subject["schema"])
                validator = Draft202012Validator(subject["schema"])
                verdicts.append([validator.is_valid(inputs) for inputs in subject["inputs"]])
            json.dump(verdicts, sys.stdout)
            """
        let request = JSONValue.array(
            subjects.map { subject in
                [
                    "schema": subject.model.inputs.jsonSchema(title: subject.model.displayName),
                    "inputs": .array(subject.inputs),
                ]
            }
        )
        let answer = try await withTemporaryFolder { folder in
            try Data(request.canonicalBytes).write(to: URL(filePath: folder + "/request.json"))
            let root = URL(filePath: modelsFolder).deletingLastPathComponent().path
            try run(["\(root)/scripts/setup", "python"])
            return try run(["\(root)/.build/venv/bin/python", "-c", program, folder + "/request.json"])
        }
        let lists = try #require(try JSONValue(text: answer).arrayValue)
        return lists.map { ($0.arrayValue ?? []).compactMap(\.boolValue) }
    }

    /// Runs a program to its end and returns what it printed.
    @discardableResult
    private static func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command[0]) ended with \(process.terminationStatus)")
        return String(decoding: output, as: UTF8.self)
    }
}

extension InputValidation {
    var isValid: Bool {
        if case .valid = self { true } else { false }
    }

    var values: ValidatedInputs? {
        if case .valid(let inputs) = self { inputs } else { nil }
    }
}

/// Inputs for a schema, most of which are good: each field is there more often than not, and now and then is wrong.
private func randomInputs(_ schema: InputSchema, using generator: inout SplitMix64) -> JSONValue {
    var members: [String: JSONValue] = [:]
    for (name, field) in schema.fields.sorted(by: { $0.key < $1.key }) {
        let isGiven = field.isRequired ? 49 : 20
        guard Int.random(in: 0..<50, using: &generator) < isGiven else { continue }
        members[name] = randomValue(field.type, using: &generator)
    }
    if Int.random(in: 0..<50, using: &generator) == 0 { members["unknown"] = 1 }
    return .object(members)
}

private func randomValue(_ type: InputType, using generator: inout SplitMix64) -> JSONValue {
    let isWrong = Int.random(in: 0..<60, using: &generator) == 0
    if isWrong { return [JSONValue.null, 7, "x", true, [], [:], .decimal("0.5")].randomElement(using: &generator)! }
    let off: Int64 = Int.random(in: 0..<60, using: &generator) == 0 ? 1 : 0
    switch type {
    case .string(_, let choices?): return .string(choices.randomElement(using: &generator)!)
    case .string(let lengths, nil):
        let ends = [lengths.lowerBound, min(lengths.upperBound, 30), lengths.upperBound + Int(off)]
        return .string(String(repeating: "é", count: ends.randomElement(using: &generator)!))
    case .numericString(let range):
        return .string(String(Int64.random(in: range.lowerBound - off...range.upperBound + off, using: &generator)))
    case .integer(_, let choices?): return .integer(choices.randomElement(using: &generator)!)
    case .integer(let range, nil):
        let (least, most) = (max(range.lowerBound, -1 << 40), min(range.upperBound, 1 << 40))
        return .integer(Int64.random(in: least - off...most + off, using: &generator))
    case .number(let minimum, let maximum):
        return .decimal([minimum ?? "-0.5", maximum ?? "0.5", "0.25"].randomElement(using: &generator)!)
    case .boolean: return .bool(Bool.random(using: &generator))
    case .url: return .string(["https://a.b/c.png", "http://1.2.3.4:5/?d=e#f"].randomElement(using: &generator)!)
    case .array(let item, let counts):
        let most = min(counts.upperBound, counts.lowerBound + 3) + Int(off)
        let count = Int.random(in: counts.lowerBound...most, using: &generator)
        return .array((0..<count).map { _ in randomValue(item, using: &generator) })
    case .object(let schema): return randomInputs(schema, using: &generator)
    }
}
