import Ledger
import Testing

@testable import Workflows

@Suite("slugs of workflows")
struct SlugTests {
    @Test(
        "a name becomes lower-case letters, digits and single hyphens",
        arguments: [
            ("My First Flow", "my-first-flow"), ("  --A  &  B!! ", "a-b"), ("Café", "caf"), ("日本", "workflow"),
            ("", "workflow"), (String(repeating: "x", count: 300), String(repeating: "x", count: 80)),
            (String(repeating: "x", count: 79) + " y", String(repeating: "x", count: 79)),
        ]
    )
    func base(name: String, slug: String) {
        #expect(WorkflowSlug.base(of: name) == slug)
        #expect(Slug.isValid(WorkflowSlug.candidate(.max, of: slug)))
    }

    @Test("later workflows of one name are numbered from 2")
    func candidates() {
        #expect((1...3).map { WorkflowSlug.candidate($0, of: "a") } == ["a", "a-2", "a-3"])
    }
}
