import HistoryTestSupport
import Ledger
import Testing

@Suite struct CanonicalJSONTests {
    @Test(
        "a canonical text reads and writes as itself",
        arguments: [
            "\"\"", "\"a\"", "0", "-1", "9007199254740992", "-9007199254740992", "true", "false", "[]", "{}",
            "[1,\"2\",[true],{}]", "{\"a\":1,\"b\":{\"c\":[]}}", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7F}\"",
            "\"é\u{301}ö😀\u{FB33}\"", "{\"\":1,\"A\":2,\"a\":3,\"é\":4,\"😀\":5,\"\u{FB33}\":6}",
        ]
    )
    func canonical(text: String) throws {
        let value = try #require(CanonicalJSON(text: text))
        #expect(Array(value.text.utf8) == Array(text.utf8))
        #expect(CanonicalJSON(text: value.text) == value)
    }

    @Test(
        "JSON that is not canonical, and what is no JSON, is not read",
        arguments: [
            "", " 1", "1 ", "[1, 2]", "{\"a\" :1}", "{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", "null", "1.0", "1e3",
            "01",
            "-0", "+1", "-", "9007199254740993", "-9007199254740993", "99999999999999999999", "\"\\u0041\"",
            "\"\\u000a\"", "\"\\u001F\"", "\"\\u00e9\"", "\"\\ud83d\\ude00\"", "\"\\/\"", "\"\n\"", "\"\u{1}\"",
            "\"\\x\"",
            "\"a", "a\"", "[1,]", "[,1]", "[1", "{\"a\"}", "{\"a\":}", "{a:1}", "{1:1}", "{\"a\":1,}", "truex", "tru",
            "[]]",
            "1,2", "{\"😀\":1,\"é\":2}", "\"\\u+01f\"", "\"\\u00\"",
        ]
    )
    func notCanonical(text: String) {
        #expect(CanonicalJSON(text: text) == nil)
    }

    @Test("members are ordered by their keys' UTF-16 code units, as RFC 8785 says")
    func order() {
        // The example of RFC 8785, section 3.2.3: the emoji sorts by its surrogates, before U+FB33.
        let keys = ["\u{20AC}", "\r", "\u{FB33}", "1", "\u{1F600}", "\u{80}", "\u{F6}"]
        let value = CanonicalJSON.sorted(keys.map { .init($0, .integer(0)) })
        let expected = "{\"\\r\":0,\"1\":0,\"\u{80}\":0,\"\u{F6}\":0,\"\u{20AC}\":0,\"\u{1F600}\":0,\"\u{FB33}\":0}"
        #expect(value.text == expected)
        #expect(CanonicalJSON(text: expected) == value)
    }

    @Test("random values survive being written and read")
    func roundTrip() {
        var random = SplitMix64(seed: 7)
        for step in 0..<2_000 {
            let value = Self.value(&random, depth: 0)
            #expect(CanonicalJSON(text: value.text) == value, "seed 7, step \(step): \(value.text)")
        }
    }

    @Test("a text altered anywhere is no longer the same value")
    func alterations() throws {
        let text = "{\"draws\":[[\"a\",\"12\"]],\"ok\":true,\"quote\":\"40\"}"
        let value = try #require(CanonicalJSON(text: text))
        for index in text.utf8.indices {
            for byte in UInt8(0x20)...0x7E where byte != text.utf8[index] {
                var bytes = Array(text.utf8)
                bytes[text.utf8.distance(from: text.startIndex, to: index)] = byte
                #expect(CanonicalJSON(text: String(decoding: bytes, as: UTF8.self)) != value)
            }
        }
    }

    @Test("nesting deeper than sixteen is not read")
    func nesting() {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(CanonicalJSON(text: nested(16)) != nil)
        #expect(CanonicalJSON(text: nested(17)) == nil)
    }

    @Test("an amount is a string of whole micro-credits, exact at every size")
    func amounts() {
        for microcredits in [0, 1, -1, Int64.max, Int64.min] {
            let value = CanonicalJSON.amount(Credits(microcredits: microcredits))
            #expect(value.text == "\"\(microcredits)\"")
            #expect(value.amountValue?.microcredits == microcredits)
        }
        #expect(CanonicalJSON.string("1.5").amountValue == nil)
        #expect(CanonicalJSON.integer(1).amountValue == nil)
    }

    private static func value(_ random: inout SplitMix64, depth: Int) -> CanonicalJSON {
        switch Int.random(in: 0..<(depth < 4 ? 5 : 3), using: &random) {
        case 0: .string(text(&random))
        case 1: .integer(Int64.random(in: -(1 << 53)...(1 << 53), using: &random))
        case 2: .boolean(Bool.random(using: &random))
        case 3: .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(&random, depth: depth + 1) })
        default:
            .sorted(
                (0..<Int.random(in: 0..<4, using: &random)).map {
                    .init("\(text(&random))\($0)", value(&random, depth: depth + 1))
                }
            )
        }
    }

    private static func text(_ random: inout SplitMix64) -> String {
        let scalars: [Unicode.Scalar] = ["\u{0}", "\n", "\"", "\\", "/", "a", "\u{7F}", "é", "€", "\u{FB33}", "😀"]
        var text = ""
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            text.unicodeScalars.append(scalars.randomElement(using: &random) ?? "a")
        }
        return text
    }
}
