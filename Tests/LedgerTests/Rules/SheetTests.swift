import Testing

/// The rule sheets would be worth nothing if a wrong sheet passed.
@Suite struct SheetTests {
    @Test(
        "a sheet that says something untrue fails",
        arguments: [
            "run a image quote 40 -> refused UNAUTHORIZED",
            "run a image quote 40 -> admitted, balance 51",
            "run a image quote 40 -> admitted, held 39",
            "run a image quote 40 -> admitted, draws gift 39",
            "run a image quote 40 -> admitted, no events",
            "run a image quote 40 -> admitted, pot other 1",
            "run a image quote 40 -> admitted, limit none",
            "run a image quote 51",
            "pot gift top-up 5",
        ]
    )
    func untrue(line: String) {
        #expect(rule(with: line).failures().count == 1)
    }

    @Test(
        "a sheet that can't be understood fails",
        arguments: ["rum a image", "run a image quote", "wait 5", "run a image quote 40 -> admitted, blance 50"]
    )
    func unclear(line: String) {
        #expect(rule(with: line).failures().count == 1)
    }

    @Test("a sheet that says something true passes")
    func holds() {
        #expect(rule(with: "run a image quote 40 -> admitted, balance 50, held 40").failures() == [])
    }

    private func rule(with line: String) -> Rule {
        Rule(title: "", lines: ["account business", "pot gift top-up 50", line])
    }
}
