import Ledger
import Testing

@Suite struct CreditsTests {
    @Test(
        "credits read and print as plain decimals",
        arguments: [
            ("0", 0), ("12", 12_000_000), ("-0.5", -500_000), ("1000.000001", 1_000_000_001), ("0.1", 100_000),
            ("9223372036854.775807", Int64.max),
        ]
    )
    func decimals(text: String, microcredits: Int64) {
        #expect(Credits(decimal: text)?.microcredits == microcredits)
        #expect(Credits(microcredits: microcredits).description == text)
    }

    @Test(
        "what is not a plain decimal of six places is no amount",
        arguments: ["", ".", "1.", ".5", "1e3", "1.0000001", "+1", "--1", "9223372036854.775808", "１"]
    )
    func notDecimals(text: String) {
        #expect(Credits(decimal: text) == nil)
    }
}
