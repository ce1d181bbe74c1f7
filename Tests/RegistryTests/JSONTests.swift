import Foundation
import Registry
import Testing

@Suite("JSON")
struct JSONTests {
    @Test(
        "every JSON text is read and written back in canonical form",
        arguments: table(
            #"""
            null -> null
            [ true , false ] -> [true,false]
            {"b":1,"a":{"d":[],"c":{}}} -> {"a":{"c":{},"d":[]},"b":1}
            9223372036854775807 -> 9223372036854775807
            -0 -> 0
            "\u0041\n\t\"\\\/" -> "A\n\t\"\\/"
            "\ud83d\ude00 \u00e9" -> "😀 é"
            "\u0001" -> "\u0001"
            # A number that is no 64-bit integer keeps the text that it came with.
            0.10 -> 0.10
            -1.5E+3 -> -1.5E+3
            1e2 -> 1e2
            9223372036854775808 -> 9223372036854775808
            """#
        )
    )
    func canonicalForm(row: TableRow) throws {
        #expect(try JSONValue(text: row.left).description == row.right)
    }

    @Test("whole numbers and decimals are kept apart")
    func numbers() throws {
        #expect(try JSONValue(text: "5") == .integer(5))
        #expect(try JSONValue(text: "5.0") == .decimal("5.0"))
        #expect(try JSONValue(text: "92233720368547758070") == .decimal("92233720368547758070"))
    }

    @Test(
        "what RFC 8259 does not allow is refused, and the place is named",
        arguments: table(
            #"""
            [1,] -> unexpected character at byte 3
            {"a":1,} -> expected a key in quotes at byte 7
            {a:1} -> expected a key in quotes at byte 1
            [1 2] -> expected a comma or a closing bracket at byte 3
            01 -> a number can't begin with 0 at byte 2
            1. -> expected a digit at byte 2
            +1 -> unexpected character at byte 0
            .5 -> unexpected character at byte 0
            NaN -> unexpected character at byte 0
            tru -> unexpected end of the text at byte 0
            trux -> unexpected word at byte 0
            "abc -> a string without its closing quote at byte 4
            "\x" -> unknown escape at byte 3
            "\ud800" -> half of a surrogate pair at byte 7
            "\ud800\u0041" -> half of a surrogate pair at byte 13
            "\u00g0" -> expected four hexadecimal digits at byte 5
            {} {} -> unexpected text after the value at byte 3
            {"a":1,"a":1} -> a key is given twice at byte 12
            """#
        )
    )
    func refused(row: TableRow) {
        #expect(throws: JSONParseError.self) { try JSONValue(text: row.left) }
        do {
            _ = try JSONValue(text: row.left)
        } catch {
            #expect(error.description == row.right)
        }
    }

    @Test("empty texts, raw control characters and bytes that are no UTF-8 are refused")
    func refusedBytes() {
        for bytes: [UInt8] in [[], [0x20], [0x22, 0x0A, 0x22], [0x22, 0xFF, 0x22], [0x22, 0x5C, 0x6E, 0xC3, 0x22]] {
            #expect(throws: JSONParseError.self) { try JSONValue(parsing: bytes) }
        }
    }

    @Test("nesting is limited, so that a body can't exhaust the stack")
    func depth() throws {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(throws: Never.self) { try JSONValue(text: nested(64)) }
        #expect(throws: JSONParseError.self) { try JSONValue(text: nested(65)) }
        #expect(throws: JSONParseError.self) { try JSONValue(text: nested(1_000_000)) }
        // Brackets side by side are not nested.
        #expect(throws: Never.self) { try JSONValue(text: "[" + String(repeating: "[],", count: 1_000) + "[]]") }
    }

    @Test("random values survive being written and read, and Foundation reads the same")
    func roundTrip() throws {
        var generator = SplitMix64(seed: 20_26)
        for _ in 0..<2_000 {
            let value = randomValue(depth: 4, using: &generator)
            let bytes = value.canonicalBytes
            #expect(try JSONValue(parsing: bytes) == value)
            #expect(throws: Never.self) {
                try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
            }
        }
    }

    @Test("the digest does not depend on the order of members")
    func digest() throws {
        let left = try JSONValue(text: #"{"a":1,"b":[2,3]}"#).canonicalDigest
        #expect(left == (try JSONValue(text: #"{ "b":[2,3], "a":1 }"#).canonicalDigest))
        #expect(left != (try JSONValue(text: #"{"a":1,"b":[3,2]}"#).canonicalDigest))
        #expect(left.count == 32)
        let empty = JSONValue.object([:]).canonicalDigest.map { String(format: "%02x", $0) }.joined()
        #expect(empty == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
    }

    // RFC 6901, section 5.
    private static let document = #"""
        {"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,
         "images":[{"url":"u1"},{"size":1},{"url":"u2"}]}
        """#

    @Test(
        "a pointer selects what RFC 6901 says, and * every element",
        arguments: table(
            #"""
            /foo -> ["bar","baz"]
            /foo/0 -> "bar"
            / -> 0
            /a~1b -> 1
            /c%d -> 2
            /e^f -> 3
            /g|h -> 4
            /i\j -> 5
            /k"l -> 6
            /m~0n -> 8
            /foo/* -> "bar" "baz"
            /images/*/url -> "u1" "u2"
            /foo/2 -> nothing
            /foo/00 -> nothing
            /foo/-1 -> nothing
            /foo/+1 -> nothing
            /none/0 -> nothing
            /foo/0/1 -> nothing
            """#
        )
    )
    func pointers(row: TableRow) throws {
        let pointer = try #require(JSONPointer(row.left))
        let found = pointer.all(in: try JSONValue(text: Self.document))
        #expect((found.isEmpty ? "nothing" : found.map(\.description).joined(separator: " ")) == row.right)
        #expect(pointer.first(in: try JSONValue(text: Self.document)) == found.first)
        #expect(pointer.description == row.left)
    }

    @Test("a text that is no pointer is refused", arguments: ["foo", "/a~", "/a~2", "#/foo"])
    func badPointers(text: String) { #expect(JSONPointer(text) == nil) }
}

/// A small seeded generator.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private func randomValue(depth: Int, using generator: inout SplitMix64) -> JSONValue {
    let scalars = "a\"\\\u{1}\n\u{7F}é😀\u{2028}/".unicodeScalars
    func text() -> String {
        var view = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...6, using: &generator) { view.append(scalars.randomElement(using: &generator)!) }
        return String(view)
    }
    switch Int.random(in: 0...(depth > 0 ? 6 : 4), using: &generator) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &generator))
    case 2: return .integer(Int64.random(in: .min ... .max, using: &generator))
    case 3: return .decimal("\(Int64.random(in: -9...9, using: &generator)).50")
    case 4: return .string(text())
    case 5:
        return .array(
            (0..<Int.random(in: 0...4, using: &generator)).map { _ in randomValue(depth: depth - 1, using: &generator) }
        )
    default:
        var members: [String: JSONValue] = [:]
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            members[text()] = randomValue(depth: depth - 1, using: &generator)
        }
        return .object(members)
    }
}
