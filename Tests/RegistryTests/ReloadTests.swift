import Foundation
import Registry
import TestSupport
import Testing

@Suite("reloading definitions")
struct ReloadTests {
    private static let price = #"{version: 1, rule: perCall, credits: "1", wholesaleMicroUSD: 1}"#

    /// A folder of definitions, a catalogue that began with them, and what keeps it up.
    private struct Desk {
        let folder: String
        let catalogue: ModelCatalogue
        let reloader: RegistryReloader

        init(folder: String) throws {
            let load = { @Sendable () throws(RegistryError) -> ModelRegistry in
                try ModelRegistry.load(folder: folder, variables: [:])
            }
            let providers = ModelRegistry.providersFolder(beside: folder)
            for path in [folder, providers] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            self.folder = folder
            try Self.write(sampleProviderText, to: "sample", in: providers)
            try Self.write(definitionText("first", inputs: "a: {type: boolean}"), to: "first", in: folder)
            try Self.write(definitionText("second", inputs: "a: {type: boolean}"), to: "second", in: folder)
            self.catalogue = ModelCatalogue(try load())
            self.reloader = RegistryReloader(catalogue: catalogue, folders: [folder, providers], load: load)
        }

        static func write(_ text: String, to name: String, in folder: String) throws {
            try text.write(toFile: "\(folder)/\(name).yaml", atomically: true, encoding: .utf8)
        }

        func write(_ text: String, to name: String = "first") throws { try Self.write(text, to: name, in: folder) }

        /// What a look leads to, in words.
        func look() -> String {
            switch reloader.look() {
            case .unchanged: "unchanged"
            case .reloaded(let change) where change.isEmpty: "reloaded"
            case .reloaded(let change):
                "added \(change.added), changed \(change.changed), removed \(change.removed)"
            case .refused(let error):
                error.issues.map { "\($0)".replacingOccurrences(of: folder + "/", with: "") }.joined(separator: "|")
            }
        }
    }

    private func atDesk(_ body: (Desk) throws -> Void) async throws {
        try await withTemporaryFolder { folder in try body(try Desk(folder: folder + "/models")) }
    }

    @Test("a new version is taken over, a run of the old one still finds its definition")
    func newVersion() async throws {
        try await atDesk { desk in
            #expect(desk.look() == "reloaded")
            #expect(desk.look() == "unchanged")
            try desk.write(
                definitionText(
                    "first",
                    version: 2,
                    inputs: "b: {type: url}",
                    price: #"{version: 2, rule: perCall, credits: "3", wholesaleMicroUSD: 1}"#
                )
            )
            #expect(desk.look() == #"added [], changed ["first"], removed []"#)
            #expect(desk.catalogue.model(named: "first")?.version == 2)
            #expect(desk.catalogue.model(named: "first", version: 1)?.inputs.fields.keys.sorted() == ["a"])
            #expect(desk.catalogue.model(named: "first", version: 2)?.inputs.fields.keys.sorted() == ["b"])
            #expect(desk.catalogue.model(named: "first", version: 3) == nil)
        }
    }

    @Test("a change without a new version is refused and changes nothing; comments and layout are no change")
    func sameVersion() async throws {
        try await atDesk { desk in
            let base = definitionText("first", inputs: "a: {type: boolean}")
            try desk.write(
                "# A comment.\n\n" + base.replacingOccurrences(of: "type: boolean", with: " type:   boolean ")
            )
            #expect(desk.look() == "reloaded")
            try desk.write(definitionText("first", inputs: "b: {type: boolean}"))
            let changed =
                "first.yaml:5: version: must be above 1: the definition has changed since that version was in use"
            #expect(desk.look() == changed)
            // It is told once.
            #expect(desk.look() == "unchanged")
            #expect(desk.catalogue.model(named: "first")?.inputs.fields.keys.sorted() == ["a"])
            let dearer = Self.price.replacingOccurrences(of: #""1""#, with: #""2""#)
            try desk.write(definitionText("first", version: 2, inputs: "a: {type: boolean}", price: dearer))
            #expect(
                desk.look()
                    == "first.yaml:10: price.version: must be above 1: the price has changed since that version was in use"
            )
            try desk.write(definitionText("first", inputs: "a: {type: boolean}", price: dearer))
            #expect(desk.look().split(separator: "|").count == 2)
        }
    }

    @Test("a version can't go back, nor can a model that is gone come back as another under its old version")
    func back() async throws {
        try await atDesk { desk in
            let second = definitionText("first", version: 2, inputs: "b: {type: boolean}")
            try desk.write(second)
            #expect(desk.look().hasPrefix("added []"))
            try desk.write(definitionText("first", inputs: "a: {type: boolean}"))
            #expect(desk.look() == "first.yaml:5: version: must be at least 2, which was in use before")
            try FileManager.default.removeItem(atPath: desk.folder + "/first.yaml")
            #expect(desk.look() == #"added [], changed [], removed ["first"]"#)
            #expect(desk.catalogue.model(named: "first") == nil)
            #expect(desk.catalogue.model(named: "first", version: 2) != nil)
            try desk.write(definitionText("first", version: 2, inputs: "c: {type: boolean}"))
            #expect(desk.look().hasPrefix("first.yaml:5: version: must be above 2"))
            try desk.write(second)
            #expect(desk.look() == #"added ["first"], changed [], removed []"#)
        }
    }

    @Test("a model can be switched off and on without a new version")
    func enabled() async throws {
        try await atDesk { desk in
            let base = definitionText("first", inputs: "a: {type: boolean}")
            try desk.write(base + "\nenabled: false\n")
            #expect(desk.look() == #"added [], changed ["first"], removed []"#)
            #expect(desk.catalogue.model(named: "first") == nil)
            #expect(desk.catalogue.model(named: "first", version: 1) != nil)
            try desk.write(base)
            #expect(desk.look() == #"added [], changed ["first"], removed []"#)
        }
    }

    @Test("a provider's definition may change at any time, and new runs go by it")
    func provider() async throws {
        try await atDesk { desk in
            _ = desk.look()
            let moved = sampleProviderText.replacingOccurrences(of: "path: /run", with: "path: /runs")
            try ReloadTests.Desk.write(moved, to: "sample", in: ModelRegistry.providersFolder(beside: desk.folder))
            #expect(desk.look() == "reloaded")
            let model = try #require(desk.catalogue.model(named: "first", version: 1))
            let inputs = try #require(model.validate([:]).values)
            let values = TemplateValues(inputs: inputs, executionID: "run-1")
            #expect(model.provider.submit.request.url.render(values) == "http://127.0.0.1:1/runs")
        }
    }

    @Test("files that are wrong leave everything as it is, and every problem is named")
    func bad() async throws {
        try await atDesk { desk in
            try desk.write(definitionText("first", version: 2, inputs: "a: {type: boolean}"))
            try desk.write("internalName: Second\n", to: "second")
            #expect(desk.look().split(separator: "|").count > 5)
            #expect(desk.catalogue.model(named: "first")?.version == 1)
            for name in ["first", "second"] {
                try FileManager.default.removeItem(atPath: "\(desk.folder)/\(name).yaml")
            }
            #expect(desk.look() == "\(desk.folder): has no *.yaml file")
            try FileManager.default.removeItem(atPath: desk.folder)
            #expect(desk.look().contains("can't be read") || desk.look() == "unchanged")
            #expect(desk.catalogue.current.models.count == 2)
        }
    }

    @Test("former versions are kept in bounded number, the latest of them")
    func bounded() async throws {
        try await atDesk { desk in
            for version in 2...30 {
                try desk.write(definitionText("first", version: version, inputs: "a\(version): {type: boolean}"))
                #expect(desk.look().hasPrefix("added []"))
            }
            let kept = (1...30).filter { desk.catalogue.model(named: "first", version: $0) != nil }
            #expect(kept == Array((30 - ModelCatalogue.formerVersionsPerModel)...30).map { Int32($0) })
        }
    }
}
