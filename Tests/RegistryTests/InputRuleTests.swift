import Registry
import Testing

@Suite("rules over several inputs")
struct InputRuleTests {
    static let table = RegistryTests.table(
        #"""
        # defaults are filled in, at both levels
        {"prompt":"hi"} -> {"count":1,"mode":"simple","prompt":"hi","ratio":"auto","seconds":"5","size":"1K","sound":false}
        {"prompt":"hi","elements":[{"image":"https://a.b/c"}],"count":2,"mode":"simple","ratio":"1:1","size":"2K","sound":true,"seconds":"15","refs":["https://a.b/c"]} -> {"count":2,"elements":[{"image":"https://a.b/c","weight":5}],"mode":"simple","prompt":"hi","ratio":"1:1","refs":["https://a.b/c"],"seconds":"15","size":"2K","sound":true}

        # exactly one
        {} -> inputs must have exactly one of prompt, shots, not none
        {"prompt":"hi","shots":["a"]} -> inputs must have exactly one of prompt, shots, not prompt, shots
        {"prompt":"hi","elements":[{"image":"https://a.b/c"},{"weight":1}]} -> elements[1] must have exactly one of image, video, not none
        {"prompt":"hi","elements":[{"image":"https://a.b/c","video":"https://a.b/c"}]} -> elements[0] must have exactly one of image, video, not image, video

        # one with, one without the other
        {"prompt":"hi","last":"https://a.b/c"} -> first is required with last
        {"prompt":"hi","last":"https://a.b/c","first":"https://a.b/c","refs":[]} -> first can't be given with refs; last can't be given with refs
        {"prompt":"hi","elements":[{"video":"https://a.b/c","views":[]}]} -> elements[0].views can't be given with video

        # conditions, with defaults counted in
        {"prompt":"hi","mode":"custom"} -> style is required when mode is "custom"; title is required when mode is "custom"
        {"shots":["a"],"sound":true} -> inputs must have at least one of first, refs when sound is true
        {"prompt":"hi","title":"x"} -> title can't be given when mode is "simple"
        {"prompt":"longer than ten"} -> prompt must have between 1 and 10 characters, not 15 when mode is "simple"
        {"prompt":"hi","ratio":"1:1","size":"4K"} -> size must be one of "1K", "2K" when ratio is "1:1" and sound is false
        {"prompt":"hi","ratio":"1:1","seconds":"11","count":3} -> count must be between 1 and 2 when ratio is "1:1" and sound is false; seconds must be a whole number between 3 and 10 in a string when ratio is "1:1" and sound is false

        # everything at once, with its place
        {"shots":[],"elements":[{"image":"x","extra":1},7],"size":"8K","last":"https://a.b/c","z":1} -> elements[0].image must be an http or https URL; elements[0].extra is not a field of this object; elements[1] must be an object, not a number; shots must have between 1 and 2 elements, not 0; size must be one of "1K", "2K", "4K"; z is not a field of this model; first is required with last
        {"prompt":"hi","elements":{}} -> elements must be an array, not an object
        """#
    )

    @Test("what breaks a rule is named with its place, beside everything else that is wrong", arguments: Self.table)
    func rules(row: TableRow) throws {
        #expect(try verdict(richModel(), row.left) == row.right)
    }

    @Test(
        "a rule that can't hold is refused when the file is read",
        arguments: RegistryTests.table(
            #"""
            - xor: [a] -> rules[0].xor: must name at least two fields
            - xor: [a, nothing] -> rules[0].xor: nothing is no field; there are a, b, c, mode, n, needed
            - xor: [a, a] -> rules[0].xor: has a field twice
            - xor: [a, needed] -> rules[0].xor: needed is always there: it is required or has a default
            - xor: [a, mode] -> rules[0].xor: mode is always there: it is required or has a default
            - xor: a -> rules[0].xor: must be a list of fields
            - both: [a, b] -> rules[0]: must have exactly one of xor, anyOf, requiredWith, forbiddenWith, when
            - {xor: [a, b], anyOf: [a, b]} -> rules[0]: must have exactly one of xor, anyOf, requiredWith, forbiddenWith, when
            - {xor: [a, b], limits: {}} -> rules[0].limits: unknown key; allowed: xor
            - requiredWith: {a: [a]} -> rules[0].requiredWith.a: must not name itself
            - requiredWith: {mode: [a]} -> rules[0].requiredWith.mode: mode is always there: it is required or has a default
            - forbiddenWith: {a: [needed]} -> rules[0].forbiddenWith.a: needed is always there: it is required or has a default
            - {when: {mode: z}, required: [a]} -> rules[0].when.mode: must be one of "x", "y"
            - {when: {mode: x}} -> rules[0]: must have required, anyOf, forbidden or limits
            - {when: {mode: x}, limits: {a: {maxLength: 50}}} -> rules[0].limits.a.maxLength: must be a whole number from 0 to 9
            - {when: {mode: x}, limits: {mode: {enum: [x, z]}}} -> rules[0].limits.mode.enum: must be among x, y
            - {when: {mode: x}, limits: {mode: {enum: [y]}}} -> rules[0].limits.mode: excludes the field's default
            - {when: {mode: x}, limits: {n: {min: 4, max: 3}}} -> rules[0].limits.n.min: must not be above max
            - {when: {mode: x}, limits: {c: {}}} -> rules[0].limits.c: is of a type that can't be narrowed
            - rule -> rules[0]: must be a mapping
            """#
        )
    )
    func slips(row: TableRow) {
        let inputs = """
            a: {type: string, maxLength: 9}
            b: {type: string, maxLength: 9}
            c: {type: url}
            n: {type: integer, min: 1, max: 5}
            needed: {type: boolean, required: true}
            mode: {type: string, enum: [x, y], default: x}
            """
        let found = definitionIssues(definitionText(inputs: inputs, rules: row.left))
        #expect(found == "a.yaml:15: \(row.right)")
    }

    @Test("objects have a bounded depth, and numbers in strings a bounded count")
    func bounds() {
        var deep = "{type: boolean}"
        for _ in 0..<5 { deep = "{type: object, fields: {x: \(deep)}}" }
        #expect(definitionIssues(definitionText(inputs: "a: \(deep)")).hasSuffix("type: lies in more than 4 objects"))
        let wide = definitionIssues(definitionText(inputs: "a: {type: numericString, min: 0, max: 1000}"))
        #expect(wide == "a.yaml:8: inputs.a.max: must be at most 999 above min")
    }
}
