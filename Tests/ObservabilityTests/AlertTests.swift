import Foundation
import TestSupport
import Testing

@Suite("The alerts and the dashboard")
struct AlertTests {
    private static let rules = "\(PythonTools.sources)/ops/prometheus/alerts.yml"
    private static let ruleTests = "\(PythonTools.sources)/ops/prometheus/alerts.test.yml"

    private func matches(_ regex: Regex<(Substring, Substring)>, in path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).matches(of: regex).map { String($0.1) }
    }

    @Test("the rules are valid, and each is raised and stays quiet as its test says")
    func rules() async throws {
        for arguments in [
            ["check", "rules", Self.rules], ["test", "rules", Self.ruleTests],
            ["check", "config", "\(PythonTools.sources)/ops/prometheus/prometheus.yml"],
        ] {
            let check = try await Promtool.run(arguments)
            #expect(check.isGood, "\(check.output)")
        }
    }

    @Test("every alert has a test, and a runbook with what it means, what to look at and what to do")
    func runbooks() throws {
        let alerts = try matches(/- alert: (\w+)/, in: Self.rules)
        #expect(alerts.count > 10)
        #expect(Set(try matches(/alertname: (\w+)/, in: Self.ruleTests)) == Set(alerts))
        #expect(try matches(/runbook: docs\/runbooks\/(\w+)\.md/, in: Self.rules) == alerts)
        let folder = "\(PythonTools.sources)/docs/runbooks"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 != "README.md" }
        #expect(Set(files) == Set(alerts.map { "\($0).md" }), "a runbook for each alert, and no other")
        for alert in alerts {
            let text = try String(contentsOfFile: "\(folder)/\(alert).md", encoding: .utf8)
            let titles = text.split(separator: "\n").filter { $0.hasPrefix("#") }
            #expect(titles == ["# \(alert)", "## What it means", "## What to look at", "## What to do"])
        }
    }
}
