import Registry
import Testing

@Suite("inputs of a run")
struct InputValidationTests {
    private static let schema = InputSchema(fields: [
        "prompt": InputField(type: .string(lengths: 2...5, choices: nil), isRequired: true, fallback: nil),
        "size": InputField(type: .string(lengths: 0...9, choices: ["S", "M"]), isRequired: false, fallback: "M"),
        "n": InputField(type: .integer(1...4, choices: nil), isRequired: false, fallback: nil),
        "fps": InputField(type: .integer(.min ... .max, choices: [24, 30]), isRequired: false, fallback: nil),
        "cfg": InputField(type: .number(minimum: "0", maximum: "0.5"), isRequired: false, fallback: nil),
        "seconds": InputField(type: .numericString(3...15), isRequired: false, fallback: nil),
        "audio": InputField(type: .boolean, isRequired: false, fallback: nil),
        "link": InputField(type: .url, isRequired: false, fallback: nil),
        "links": InputField(type: .array(of: .url, counts: 1...2), isRequired: false, fallback: nil),
    ])

    private static func outcome(_ text: String) throws -> String {
        switch schema.validate(try JSONValue(text: text)) {
        case .valid(let inputs): inputs.json.description
        case .invalid(let issues): issues.map { "\($0.path) \($0.message)" }.joined(separator: "; ")
        }
    }

    @Test(
        "inputs are accepted with defaults filled in, or every problem is named at once",
        arguments: table(
            #"""
            {"prompt":"hello"} -> {"prompt":"hello","size":"M"}
            {"prompt":"héllo","size":"S","n":4} -> {"n":4,"prompt":"héllo","size":"S"}
            {"prompt":"hi","n":2.0} -> {"n":2,"prompt":"hi","size":"M"}
            {"prompt":"hi","n":3e0,"cfg":0.50} -> {"cfg":0.50,"n":3,"prompt":"hi","size":"M"}
            {"prompt":"hi","seconds":"15","audio":true} -> {"audio":true,"prompt":"hi","seconds":"15","size":"M"}
            {} -> prompt is required
            [] -> inputs must be an object, not an array
            null -> inputs must be an object, not null
            {"prompt":"h"} -> prompt must have between 2 and 5 characters, not 1
            {"prompt":"hello!"} -> prompt must have between 2 and 5 characters, not 6
            {"prompt":null} -> prompt must be a string, not null
            {"prompt":7} -> prompt must be a string, not a number
            {"prompt":"hi","size":"L"} -> size must be one of "S", "M"
            {"prompt":"hi","size":"s"} -> size must be one of "S", "M"
            {"prompt":"hi","n":0} -> n must be between 1 and 4
            {"prompt":"hi","n":5} -> n must be between 1 and 4
            {"prompt":"hi","n":"2"} -> n must be a whole number, not a string
            {"prompt":"hi","n":1.5} -> n must be a whole number, not a number (1.5)
            {"prompt":"hi","n":1e30} -> n must be a whole number, not a number (1e30)
            {"prompt":"hi","fps":25} -> fps must be one of 24, 30
            {"prompt":"hi","cfg":-0.01} -> cfg must be at least 0 and at most 0.5
            {"prompt":"hi","cfg":0.5000000001} -> cfg must be at least 0 and at most 0.5
            {"prompt":"hi","cfg":1e999} -> cfg is not a number that can be represented
            {"prompt":"hi","cfg":"0.1"} -> cfg must be a number, not a string
            {"prompt":"hi","seconds":5} -> seconds must be a whole number in a string, not a number
            {"prompt":"hi","seconds":"16"} -> seconds must be a whole number between 3 and 15 in a string
            {"prompt":"hi","seconds":"05"} -> seconds must be a whole number in a string
            {"prompt":"hi","seconds":"5 "} -> seconds must be a whole number in a string
            {"prompt":"hi","audio":"true"} -> audio must be true or false, not a string
            {"prompt":"hi","audio":1} -> audio must be true or false, not a number
            {"prompt":"hi","link":"ftp://a/b"} -> link must be an http or https URL
            {"prompt":"hi","link":"https://"} -> link must be an http or https URL
            {"prompt":"hi","link":"https://a b"} -> link must be an http or https URL
            {"prompt":"hi","link":{}} -> link must be an http or https URL, not an object
            {"prompt":"hi","links":[]} -> links must have between 1 and 2 elements, not 0
            {"prompt":"hi","links":["https://a/","x",3]} -> links must have between 1 and 2 elements, not 3
            {"prompt":"hi","links":["x",3]} -> links[0] must be an http or https URL; links[1] must be an http or https URL, not a number
            {"Prompt":"hi"} -> prompt is required; Prompt is not a field of this model
            {"z":1,"n":9,"a":2} -> n must be between 1 and 4; prompt is required; a is not a field of this model; z is not a field of this model
            """#
        )
    )
    func validation(row: TableRow) throws {
        #expect(try Self.outcome(row.left) == row.right)
    }

    @Test("a URL may be in upper case and have a query", arguments: ["HTTPS://EXAMPLE.COM/a?b=c", "http://[::1]:80/"])
    func urls(url: String) throws {
        let outcome = Self.schema.validate(["prompt": "hi", "link": .string(url)])
        guard case .valid = outcome else {
            Issue.record("refused: \(outcome)")
            return
        }
    }
}
