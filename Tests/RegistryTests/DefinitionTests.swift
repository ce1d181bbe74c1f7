import Foundation
import Ledger
import Registry
import Testing

@Suite("definition files")
struct DefinitionTests {
    /// A definition with one of everything. Line numbers in the tables below count from `internalName`, line 1.
    private static let base = """
        internalName: test-model
        displayName: Test Model
        type: image
        requiredTier: pro
        version: 7
        deadlineSeconds: 30
        unresolved: {holdSeconds: 60, policy: release}
        inputs:
          prompt: {type: string, required: true, maxLength: 100}
          size: {type: string, enum: [S, M], default: S}
          n: {type: integer, min: 1, max: 4, default: 1}
          seed: {type: integer}
        price:
          version: 3
          rule: perImage
          countField: n
          creditsBy:
            size: {S: "1", M: "2.5"}
          multipliers: {}
          wholesaleMicroUSD: 100
        provider:
          use: vendor
          model: model-1
          inputs: {text: "{inputs.prompt}", count: "{inputs.n}"}
        """

    /// The provider of that definition, in `p.yaml`.
    private static let provider = """
        name: vendor
        kind: httpPolling
        baseURL: ${BASE}
        headers: {X-Key: "${KEY}", X-Run: "{executionId}"}
        submit:
          path: /jobs
          body: {model: "{model}", fixed: 1, "...": "{inputs}"}
          acceptedBody: {pointer: /code, values: [200]}
          idPointer: /id
          links: {status: /status_url}
        poll:
          path: /jobs/{taskId}
          intervalMilliseconds: 1000
          ceilingMilliseconds: 5000
          statusPointer: /status
          statuses: {done: succeeded, error: failed}
        result:
          outputs: [/urls]
        cancel:
          path: /cancel/{taskId}
          allowedIn: [queued]
          answers: {"200": cancelled}
        lookUp:
          path: /jobs
          query: {ours: "{executionId}"}
          idPointer: /0/id
        callback: {verifier: standardWebhooks, secrets: "whsec_YQ=="}
        errors:
          code: /code
          classes: {"422": user}
        limits: {concurrency: 5}
        """

    private static let variables = ["BASE": "https://vendor.example", "KEY": "secret"]

    private static func issues(_ text: String, name: String = "a.yaml") -> [String] {
        issues([DefinitionFile(name: name, text: text)])
    }

    private static func issues(_ files: [DefinitionFile], provider: String = provider) -> [String] {
        do {
            let providers = [DefinitionFile(name: "p.yaml", text: provider)]
            _ = try ModelRegistry.load(files: files, providers: providers, variables: variables)
            return []
        } catch {
            return error.issues.map(\.description)
        }
    }

    @Test("a whole definition is read")
    func whole() throws {
        let file = DefinitionFile(name: "a.yaml", text: Self.base)
        let registry = try ModelRegistry.load(
            files: [file],
            providers: [DefinitionFile(name: "p.yaml", text: Self.provider)],
            variables: Self.variables
        )
        let model = try #require(registry.model(named: "test-model"))
        #expect(model.displayName == "Test Model")
        #expect(model.type == .image)
        #expect(model.requiredTier == .pro)
        #expect(model.version == 7)
        #expect(model.priceVersion == 3)
        #expect(model.deadlineSeconds == 30)
        #expect(model.unresolved == UnresolvedPolicy(holdSeconds: 60, action: .release))
        #expect(model.supportsAsync)
        #expect(model.provider.name == "vendor")
        #expect(model.provider.poll?.statuses == ["done": .succeeded, "error": .failed])
    }

    @Test(
        "every slip is reported with file, line, field and what is allowed",
        arguments: table(
            #"""
            internalName: test-model => internalName: Test_Model -> a.yaml:1: internalName: must be 1 to 100 lower-case letters, digits and hyphens, not Test_Model
            displayName: Test Model => displayName: "" -> a.yaml:2: displayName: must be the name that people read
            type: image => type: picture -> a.yaml:3: type: must be one of image, video, audio, text, not picture
            requiredTier: pro => requiredTier: gold -> a.yaml:4: requiredTier: must be one of free, creator, pro, business, enterprise, not gold
            version: 7 => version: 0 -> a.yaml:5: version: must be a whole number from 1 to 2147483647
            version: 7 => version: 1.5 -> a.yaml:5: version: must be a whole number from 1 to 2147483647
            deadlineSeconds: 30 => deadlineSecond: 30 -> a.yaml:6: deadlineSecond: unknown key; allowed: internalName, displayName, type, enabled, requiredTier, version, inputs, rules, price, deadlineSeconds, unresolved, provider
            deadlineSeconds: 30 => enabled: yes -> a.yaml:6: enabled: must be true or false
            policy: release => policy: forget -> a.yaml:7: unresolved.policy: must be one of release, charge, not forget
            , policy: release => , -> a.yaml:7: unresolved.policy: is missing: one of release, charge
            # inputs
            type: string, required => type: text, required -> a.yaml:9: inputs.prompt.type: must be one of string, numericString, integer, number, boolean, url, array, object, not text
            maxLength: 100 => maxLen: 100 -> a.yaml:9: inputs.prompt.maxLen: unknown key; allowed: type, required, default, minLength, maxLength, enum|a.yaml:9: inputs.prompt.maxLength: is missing: a whole number from 1 to 1048576
            required: true, maxLength: 100 => required: true, maxLength: 100, default: x -> a.yaml:9: inputs.prompt.default: a required field has no default
            default: S} => default: L} -> a.yaml:10: inputs.size.default: must be one of "S", "M"
            enum: [S, M] => enum: [S, M, S] -> a.yaml:10: inputs.size.enum: has a value twice
            enum: [S, M] => enum: [] -> a.yaml:10: inputs.size.enum: must be a list of values
            min: 1, max: 4 => min: 5, max: 4 -> a.yaml:11: inputs.n.min: must not be above max
            seed: {type: integer} => se-ed: {type: integer} -> a.yaml:12: inputs.se-ed: must be named with letters, digits and underscores, beginning with a letter
            seed: {type: integer} => seed: integer -> a.yaml:12: inputs.seed: must be a mapping
            # prices
            rule: perImage => rule: perPixel -> a.yaml:15: price.rule: must be one of perCall, perImage, perSecond, perToken, not perPixel
            countField: n => countField: m -> a.yaml:16: price.countField: names no input field; there are n, prompt, seed, size
            countField: n => countField: seed -> a.yaml:16: price.countField: inputs.seed decides the price, so it must be required or have a default
            countField: n => countField: prompt -> a.yaml:16: price.countField: inputs.prompt must be a whole number from at least 1 to at most 1000000
            size: {S: "1", M: "2.5"} => size: {S: "1"} -> a.yaml:18: price.creditsBy.size.M: is missing: every value of inputs.size needs an entry
            size: {S: "1", M: "2.5"} => size: {S: "1", M: "2.5", L: "3"} -> a.yaml:18: price.creditsBy.size.L: unknown key; allowed: S, M
            M: "2.5" => M: "0" -> a.yaml:18: price.creditsBy.size.M: must be credits above 0 with at most six decimals, such as "4.5"
            M: "2.5" => M: "-1" -> a.yaml:18: price.creditsBy.size.M: must be credits above 0 with at most six decimals, such as "4.5"
            M: "2.5" => M: "1e3" -> a.yaml:18: price.creditsBy.size.M: must be credits above 0 with at most six decimals, such as "4.5"
            M: "2.5" => M: "9000000000000" -> a.yaml:14: price: the dearest run costs more than 64 bits can hold
            size: {S: "1", M: "2.5"} => seed: {S: "1"} -> a.yaml:18: price.creditsBy.seed: must be an input field of a closed set of values: an enum or a boolean
            multipliers: {} => multipliers: {size: {S: "1", M: "0"}} -> a.yaml:19: price.multipliers.size.M: must be a factor above 0 and at most 1000 with at most six decimals
            multipliers: {} => credits: "5" -> a.yaml:18: price.creditsBy: credits and creditsBy exclude each other
            wholesaleMicroUSD: 100 => wholesaleMicroUSD: "0.1" -> a.yaml:20: price.wholesaleMicroUSD: must be a whole number from 0 to 1000000000000
            # providers
            use: vendor => use: vendors -> a.yaml:22: provider.use: must be a provider; there are vendor, not vendors
            model: model-1 => path: /x -> a.yaml:22: provider.model: is missing: what the provider calls the model
            model: model-1 => mode: x -> a.yaml:22: provider.model: is missing: what the provider calls the model|a.yaml:23: provider.mode: unknown key; allowed: use, model, path, inputs, outputs, units, poll
            "{inputs.n}" => "{inputs.m}" -> a.yaml:24: provider.inputs.count: {inputs.m} is unknown; allowed: {executionId}, {inputs.n}, {inputs.prompt}, {inputs.seed}, {inputs.size}
            "{inputs.n}" => "{taskId}" -> a.yaml:24: provider.inputs.count: {taskId} is unknown; allowed: {executionId}, {inputs.n}, {inputs.prompt}, {inputs.seed}, {inputs.size}
            "{inputs.n}" => {$each: "{inputs.n}", as: 1} -> a.yaml:24: provider.inputs.count.$each: stands for elements of a list, so it must be in one
            "{inputs.n}" => {$if: "x{inputs.n}", then: 1} -> a.yaml:24: provider.inputs.count.$if: must be one place, such as {inputs.prompt}
            "{inputs.n}" => {$if: "{inputs.n}"} -> a.yaml:24: provider.inputs.count.then: is missing: what stands here when there is a value
            "{inputs.n}" => {$first: x} -> a.yaml:24: provider.inputs.count.$first: must be a list
            "{inputs.n}" => "${NO}" -> a.yaml:24: provider.inputs.count: needs NO, which the configuration lacks
            # YAML
            version: 7 => displayName: Again -> a.yaml:2: displayName: is given twice
            version: 7 => version: [7 -> a.yaml:6: is not YAML: did not find expected ',' or ']'
            """#
        )
    )
    func slips(row: TableRow) throws {
        let change = row.left.components(separatedBy: " => ")
        try #require(Self.base.contains(change[0]), "the base has no \(change[0])")
        let text = Self.base.replacingOccurrences(of: change[0], with: change[1])
        #expect(Self.issues(text).joined(separator: "|") == row.right)
    }

    @Test(
        "every slip of a provider's definition is reported too",
        arguments: table(
            #"""
            kind: httpPolling => kind: grpc -> p.yaml:2: kind: must be one of http, httpPolling, fal, anthropic, not grpc
            kind: httpPolling => kind: http -> p.yaml:11: poll: unknown key; allowed: name, kind, baseURL, headers, token, submit, result, callback, errors, usage, limits|p.yaml:19: cancel: unknown key; allowed: name, kind, baseURL, headers, token, submit, result, callback, errors, usage, limits|p.yaml:23: lookUp: unknown key; allowed: name, kind, baseURL, headers, token, submit, result, callback, errors, usage, limits
            baseURL: ${BASE} => baseURL: ${BASE -> p.yaml:3: baseURL: has a { without its }
            baseURL: ${BASE} => baseURL: ${HOST} -> p.yaml:3: baseURL: needs HOST, which the configuration lacks
            baseURL: ${BASE} => baseURL: vendor.example -> p.yaml:3: baseURL: must begin with http:// or https:// and a host
            baseURL: ${BASE} => baseURL: https://key@vendor.example -> p.yaml:3: baseURL: must begin with http:// or https:// and a host
            X-Run: "{executionId}" => X-Run: "{inputs}" -> p.yaml:4: headers.X-Run: {inputs} is unknown; allowed: {executionId}
            X-Run: "{executionId}" => X Run: x -> p.yaml:4: headers.X Run: is not a header name
            path: /jobs/{taskId} => path: jobs -> p.yaml:12: poll.path: must begin with / or {path}
            path: /jobs/{taskId} => link: stats -> p.yaml:12: poll.link: must be one of status, not stats
            fixed: 1 => fixed: "{taskId}" -> p.yaml:7: submit.body.fixed: {taskId} is unknown; allowed: {executionId}, {callbackUrl}, {model}, {inputs}
            pointer: /code => pointer: code -> p.yaml:8: submit.acceptedBody.pointer: must be a JSON pointer such as /data/taskId
            intervalMilliseconds: 1000 => intervalMilliseconds: 9000 -> p.yaml:14: poll.ceilingMilliseconds: must be a whole number from 9000 to 3600000
            error: failed} => error: broken} -> p.yaml:16: poll.statuses.error: must be one of queued, running, succeeded, failed, cancelled, expired, succeededIfComplete, not broken
            done: succeeded => done: running -> p.yaml:16: poll.statuses: must map a word to succeeded
            outputs: [/urls] => outputs: [] -> p.yaml:18: result.outputs: must be a list of JSON pointers
            allowedIn: [queued] => allowedIn: [waiting] -> p.yaml:21: cancel.allowedIn: must be a list of queued, running, succeeded, failed, cancelled, expired, succeededIfComplete
            {"200": cancelled} => {"200": gone} -> p.yaml:22: cancel.answers.200: must be one of cancelled, requested, alreadyEnded, notPossible, not gone
            secrets: "whsec_YQ==" => secrets: abc -> p.yaml:27: callback.secrets: must begin with whsec_, one or several with spaces between them
            "422": user => "422": customer -> p.yaml:30: errors.classes.422: must be one of user, provider, us, retry, requeue, unresolved, not customer
            concurrency: 5 => concurrency: 0 -> p.yaml:31: limits.concurrency: must be a whole number from 1 to 10000
            """#
        )
    )
    func providerSlips(row: TableRow) throws {
        let change = row.left.components(separatedBy: " => ")
        try #require(Self.provider.contains(change[0]), "the provider has no \(change[0])")
        let text = Self.provider.replacingOccurrences(of: change[0], with: change[1])
        let found = Self.issues([DefinitionFile(name: "a.yaml", text: Self.base)], provider: text)
        #expect(found.joined(separator: "|") == row.right)
    }

    @Test("a provider that no enabled model uses needs no configuration")
    func unusedProvider() {
        let other = Self.provider.replacingOccurrences(of: "name: vendor", with: "name: other")
            .replacingOccurrences(of: "${KEY}", with: "${OTHER_KEY}")
        let providers = [
            DefinitionFile(name: "p.yaml", text: Self.provider), DefinitionFile(name: "q.yaml", text: other),
        ]
        let load = { (model: String) in
            try ModelRegistry.load(
                files: [DefinitionFile(name: "a.yaml", text: model)],
                providers: providers,
                variables: Self.variables
            )
        }
        let using = Self.base.replacingOccurrences(of: "use: vendor", with: "use: other")
        #expect(throws: Never.self) { try load(Self.base) }
        #expect(throws: Never.self) { try load(using + "\nenabled: false\n") }
        #expect(throws: RegistryError.self) { try load(using) }
    }

    @Test("an id pointer is needed for polling, and only for polling")
    func idPointer() {
        let without = Self.provider.replacingOccurrences(of: "  idPointer: /id\n", with: "")
        let found = Self.issues([DefinitionFile(name: "a.yaml", text: Self.base)], provider: without)
        #expect(found == ["p.yaml:6: submit.idPointer: is missing: where the provider's id of the work is"])
    }

    @Test("all issues of all files are reported at once, by file and line")
    func allAtOnce() {
        let first = Self.base.replacingOccurrences(of: "type: image", with: "type: picture")
            .replacingOccurrences(of: "use: vendor", with: "uses: vendor")
        let second = Self.base.replacingOccurrences(of: "version: 3", with: "version: three")
            .replacingOccurrences(of: "internalName: test-model", with: "internalName: other-model")
        let found = Self.issues([
            DefinitionFile(name: "a.yaml", text: first), DefinitionFile(name: "b.yaml", text: second),
            DefinitionFile(name: "c.yaml", text: "just text"), DefinitionFile(name: "d.yaml", text: ""),
        ])
        let places = found.map { $0.prefix { $0 != " " } }
        #expect(places == ["a.yaml:3:", "a.yaml:22:", "a.yaml:22:", "b.yaml:14:", "c.yaml:1:", "d.yaml:"])
    }

    @Test("a definition that is printed does not show the provider's key")
    func secrets() throws {
        let file = DefinitionFile(name: "a.yaml", text: Self.base)
        let registry = try ModelRegistry.load(
            files: [file],
            providers: [DefinitionFile(name: "p.yaml", text: Self.provider)],
            variables: Self.variables
        )
        let model = try #require(registry.model(named: "test-model"))
        for shown in [
            "\(model)", String(reflecting: model), "\(model.provider)", "\([model])",
            String(describing: Optional(model)),
        ] {
            #expect(!shown.contains("secret"))
        }
    }

    @Test("two files can't define the same model")
    func duplicate() {
        let found = Self.issues([
            DefinitionFile(name: "a.yaml", text: Self.base), DefinitionFile(name: "b.yaml", text: Self.base),
        ])
        #expect(found == ["b.yaml:1: internalName: test-model is already defined in a.yaml"])
    }

    @Test("a model that is not enabled is listed, but not found")
    func disabled() throws {
        let text = Self.base + "\nenabled: false\n"
        let registry = try ModelRegistry.load(
            files: [DefinitionFile(name: "a.yaml", text: text)],
            providers: [DefinitionFile(name: "p.yaml", text: Self.provider)],
            variables: Self.variables
        )
        #expect(registry.model(named: "test-model") == nil)
        #expect(registry.models.map(\.internalName) == ["test-model"])
    }

    @Test("a folder that is not there or empty is an error that says so")
    func folders() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        #expect(throws: RegistryError.self) { try ModelRegistry.load(folder: folder, variables: [:]) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            _ = try ModelRegistry.load(folder: folder, variables: [:])
            Issue.record("an empty folder was accepted")
        } catch {
            #expect(error.description == "\(folder): has no *.yaml file")
        }
    }

    @Test("a body template keeps JSON types and leaves out what was not given; a URL template encodes values")
    func templates() throws {
        let text = Self.base.replacingOccurrences(
            of: #"inputs: {text: "{inputs.prompt}", count: "{inputs.n}"}"#,
            with: """
                inputs:
                    prompt: "{inputs.prompt}"
                    count: "{inputs.n}"
                    text: "a {inputs.n} {{b}"
                    seed: "{inputs.seed}"
                    list: ["{inputs.seed}", x, {$each: "{inputs.n}", as: {number: "{item}"}}, {$each: "{inputs.seed}", as: 1}]
                    mode: {$if: "{inputs.seed}", then: seeded, else: free}
                    size: {$choose: "{inputs.size}", of: {S: small, M: middling}}
                    first: {$first: ["{inputs.seed}", "{inputs.n}"]}
                """
        )
        let provider = Self.provider.replacingOccurrences(of: "path: /jobs\n", with: "path: /jobs/{executionId}\n")
        let registry = try ModelRegistry.load(
            files: [DefinitionFile(name: "a.yaml", text: text)],
            providers: [DefinitionFile(name: "p.yaml", text: provider)],
            variables: Self.variables
        )
        let model = try #require(registry.model(named: "test-model"))
        guard case .valid(let inputs) = model.validate(["prompt": "ä/{inputs.n}?&", "n": 2]) else {
            Issue.record("refused")
            return
        }
        let values = TemplateValues(inputs: inputs, executionID: "run?1", providerRequestID: "job/1")
        let request = model.provider.submit.request
        #expect(
            request.body?.render(values) == [
                "model": "model-1", "fixed": 1, "prompt": "ä/{inputs.n}?&", "count": 2, "text": "a 2 {b}",
                "list": ["x", ["number": 2]], "mode": "free", "size": "small", "first": 2,
            ]
        )
        #expect(request.url.render(values, percentEncoded: true) == "https://vendor.example/jobs/run%3F1")
        #expect(request.headers.map { "\($0.name)=\($0.value.render(values))" } == ["X-Key=secret", "X-Run=run?1"])
        #expect(
            model.provider.poll?.request.url.render(values, percentEncoded: true)
                == "https://vendor.example/jobs/job%2F1"
        )
    }

    @Test("what a model does not say of its inputs is sent under their own names; its overrides win")
    func overrides() throws {
        let text = Self.base.replacingOccurrences(
            of: #"inputs: {text: "{inputs.prompt}", count: "{inputs.n}"}"#,
            with: "outputs: [/mine]\n  units: /count\n  poll: {intervalMilliseconds: 7, ceilingMilliseconds: 9}"
        )
        let registry = try ModelRegistry.load(
            files: [DefinitionFile(name: "a.yaml", text: text)],
            providers: [DefinitionFile(name: "p.yaml", text: Self.provider)],
            variables: Self.variables
        )
        let model = try #require(registry.model(named: "test-model"))
        guard case .valid(let inputs) = model.validate(["prompt": "x"]) else { return }
        #expect(
            model.provider.submit.request.body?.render(TemplateValues(inputs: inputs, executionID: "1"))
                == ["model": "model-1", "fixed": 1, "prompt": "x", "n": 1, "size": "S"]
        )
        #expect(model.provider.result.outputs.map(\.description) == ["/mine"])
        #expect(model.provider.usage.units?.description == "/count")
        #expect(model.provider.poll?.schedule.ceilingMilliseconds == 9)
        #expect(model.provider.limits.concurrency == 5)
    }

    @Test("an origin is scheme, host and port, and nothing that could be read in two ways")
    func origins() {
        let given = [
            "https://A.example", "https://a.example:443/x", "http://a.example?x", "http://[::1]:80/", "http://u@a/",
            "https://a.example\\@b", "ftp://a", "https://", "https://a:0", "//a", "https://a b",
        ]
        let origins = given.map { ProviderOrigin(url: $0).map(\.description) ?? "-" }
        #expect(
            origins == [
                "https://a.example:443", "https://a.example:443", "http://a.example:80", "http://[::1]:80", "-", "-",
                "-", "-", "-", "-", "-",
            ]
        )
    }
}
