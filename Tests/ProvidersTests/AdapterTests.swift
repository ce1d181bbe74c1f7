import AsyncHTTPClient
import Foundation
import Ledger
import NIOCore
import ProviderSimulator
import Providers
import Registry
import Runs
import Testing

/// Adapters against the real simulator over loopback.
@Suite("adapters and simulator", .serialized)
struct AdapterTests {
    @Test("a text model's answer becomes a result with the provider's id and cost")
    func text() async throws {
        let outcome = try await withSimulator { try await $0.run("gpt-5-4-mini", ["prompt": "Say \"hi\"\n"]) }
        guard case .succeeded(let success) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(success.result == ["text": ["You asked: Say \"hi\"\n"]])
        #expect(success.providerRequestID?.hasPrefix("req_") == true)
        #expect(success.providerCost == MicroUSD(microdollars: 900))
    }

    @Test("a job is followed to its end, however often it is asked about; its id is reported once, before the end")
    func job() async throws {
        let recorder = Recorder()
        let script = #"""
            POST /api/v1/jobs/createTask -> 200 {"code":200,"data":{"taskId":"t1"}}
            GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"waiting"}}
            GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"generating"}}
            GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"success","resultJson":{"resultUrls":["https://k/1.png"]}}}
            """#
        try await withScript(script) { bench, server in
            let outcome = try await bench.run("gpt-image-2", ["prompt": "a cat"]) { task in
                #expect(server.received.map(\.method) == ["POST"])
                recorder.record(task.id)
            }
            guard case .succeeded(let success) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(success.result == ["images": ["https://k/1.png"]])
            #expect(success.providerRequestID == "t1")
            #expect(recorder.all == ["t1"])
            #expect(server.received.map(\.method) == ["POST", "GET", "GET", "GET"])
        }
    }

    @Test("a job that takes its time at the simulator is submitted once, and delivers what was asked for")
    func simulatedJob() async throws {
        let script = SimulatorScript(jobMilliseconds: 200)
        let (outcome, count) = try await withSimulator(script) { bench in
            let outcome = try await bench.run("gpt-image-2", ["prompt": "a cat"], seconds: 60)
            return (outcome, try await bench.get("/_simulator/count"))
        }
        guard case .succeeded(let success) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(success.result["images"]?.arrayValue?.count == 1)
        #expect(success.providerCost == MicroUSD(microdollars: 30_000))
        #expect(count["completed"] == 1 && count["total"] == 1)
    }

    /// Whose provider delivers less than it was asked for: the scripts, and what the customer and we pay.
    static let shortfalls = [
        (
            "nano-banana-2", JSONValue.object(["prompt": "a cat", "num_images": 3]), Credits(whole: 12),
            Credits(whole: 4),
            Int64(8_000),
            #"""
            POST /fal-ai/nano-banana-2 -> 200 {"request_id":"r1","response_url":"$HOST/r1","status_url":"$HOST/r1/status"}
            GET /r1/status -> 200 {"status":"COMPLETED"}
            GET /r1 -> 200 {"images":[{"url":"https://k/1.png"}]}
            """#
        ),
        (
            "suno-v5", ["prompt": "a song"], Credits(whole: 14), Credits(whole: 7), 60_000,
            #"""
            POST /api/v1/generate -> 200 {"code":200,"data":{"taskId":"t1"}}
            GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"SUCCESS","response":{"sunoData":[{"audioUrl":null},{"audioUrl":"https://s/2.mp3"}]}}}
            """#
        ),
    ]

    @Test(
        "one image of the three that were asked for, one track of two: what came is what is paid for",
        arguments: shortfalls
    )
    func shortfall(
        model: String,
        inputs: JSONValue,
        quote: Credits,
        cost: Credits,
        ours: Int64,
        script: String
    ) async throws {
        try await withScript(script) { bench, server in
            guard case .succeeded(let success) = try await bench.run(model, inputs) else {
                Issue.record("the run did not succeed")
                return
            }
            let request = try bench.request(model, inputs)
            #expect(success.result[request.model.type.resultKey]?.arrayValue?.count == 1)
            #expect(try request.model.quote(request.inputs).amount == quote)
            #expect(try request.model.actualCost(request.inputs, delivered: success.usage) == cost)
            #expect(success.providerCost == MicroUSD(microdollars: ours))
        }
    }

    @Test("the media that results point to can be fetched")
    func media() async throws {
        let bytes = try await withSimulator { bench -> [UInt8] in
            guard case .succeeded(let success) = try await bench.run("draft-image", ["prompt": "a cat"]),
                let url = success.result["images"]?.arrayValue?.first?.stringValue
            else { return [] }
            let response = try await bench.client.get(url: url).get()
            return response.body.map { Array($0.readableBytesView) } ?? []
        }
        #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }

    struct Expectation: CustomTestStringConvertible, Sendable {
        let model: String
        let fault: String
        let outcome: String
        let booked: String
        let seconds: Double

        var testDescription: String { "\(model) with \(fault)" }
    }

    /// What the customer's run ends as, beside what the provider's books say about it.
    static let expectations: [Expectation] = """
        gpt-5-4-mini  none       | 1 text                                   | completed
        gpt-5-4-mini  refuse     | failed user content_policy               | refused
        gpt-5-4-mini  error500   | failed provider internal_error           | refused
        gpt-5-4-mini  fail       | failed provider generation_failed        | failed
        gpt-5-4-mini  hang       | unresolved timedOut                      | completed
        gpt-5-4-mini  stall      | unresolved timedOut                      | accepted
        gpt-5-4-mini  drop       | unresolved connectionLost                | completed
        gpt-5-4-mini  slow       | 1 text                                   | completed
        gpt-5-4-mini  garbage    | unresolved unreadableAnswer              | completed
        gpt-5-4-mini  truncate   | unresolved connectionLost                | completed
        draft-image   none       | 1 images                                 | completed
        draft-image   drop       | unresolved connectionLost                | completed
        gpt-image-2   none       | 1 images                                 | completed
        gpt-image-2   refuse     | failed user 422                          | refused
        gpt-image-2   error500   | failed provider 500                      | refused
        gpt-image-2   fail       | failed provider 501                      | failed
        gpt-image-2   hang       | unresolved timedOut                      | completed
        gpt-image-2   stall      | unresolved deadlinePassed with id        | accepted
        gpt-image-2   drop       | unresolved connectionLost                | completed
        gpt-image-2   slow       | 1 images                                 | completed
        gpt-image-2   garbage    | unresolved unreadableAnswer              | completed
        gpt-image-2   truncate   | unresolved connectionLost                | completed
        gpt-image-2   pollErrors | 1 images                                 | completed
        """.split(separator: "\n").map { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let names = cells[0].split(separator: " ").map(String.init)
            return Expectation(
                model: names[0],
                fault: names[1],
                outcome: cells[1],
                booked: cells[2],
                // A run that hangs is waited for; the others end long before.
                seconds: ["hang", "stall"].contains(names[1]) ? 1.5 : 30
            )
        }

    @Test("every scripted fault ends as the table says, submitted exactly once", arguments: expectations)
    func faults(_ expectation: Expectation) async throws {
        let fault = SimulatorFault(rawValue: expectation.fault)
        let script = SimulatorScript(faults: [fault], slowMilliseconds: 50)
        let id = anyExecutionID()
        let (outcome, books) = try await withSimulator(script) { bench in
            let outcome = try await bench.run(
                expectation.model,
                ["prompt": "a cat"],
                id: id,
                seconds: expectation.seconds
            )
            return (outcome, try await bench.get("/_simulator/runs"))
        }
        #expect(describe(outcome) == expectation.outcome)
        let runs = try #require(books["runs"]?.arrayValue)
        #expect(runs.map { $0["clientRequestId"] } == [.string(id.description)])
        #expect(runs.map { $0["outcome"] } == [.string(expectation.booked)])
    }

    @Test("a fault named in the prompt works without a script")
    func markedFault() async throws {
        let outcome = try await withSimulator { bench in
            try await bench.run("gpt-5-4-mini", ["prompt": "please [[fault:refuse]]"])
        }
        guard case .failed(let failure) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(failure.failureClass == .user)
        #expect(failure.message == "The provider refused the inputs: The prompt is against the rules.")
    }

    @Test("work that was accepted before is found again by its id, without another submit")
    func resume() async throws {
        let (first, second, count) = try await withSimulator(SimulatorScript(jobMilliseconds: 3_000)) { bench in
            let request = try bench.request("gpt-image-2", ["prompt": "a cat"], seconds: 1.5)
            let first = await bench.router.run(request) { _ in }
            guard case .unresolved(_, let id?) = first else { return (first, first, JSONValue.null) }
            let again = try bench.request("gpt-image-2", ["prompt": "a cat"], seconds: 30)
            let second = await bench.router.resume(again, ProviderTask(id: id))
            return (first, second, try await bench.get("/_simulator/count"))
        }
        #expect(describe(first) == "unresolved deadlinePassed with id")
        #expect(describe(second) == "1 images")
        #expect(count["total"] == 1)
    }

    @Test("512 runs at once under faults: each is asked for once, and both books agree run for run")
    func concurrent() async throws {
        let script = SimulatorScript(
            ratesPerMillion: [
                .refuse: 50_000, .fail: 50_000, .drop: 50_000, .error500: 50_000, .garbage: 50_000, .pollErrors: 50_000,
            ],
            seed: 7
        )
        let (outcomes, books) = try await withSimulator(script) { bench in
            try await withThrowingTaskGroup(of: (String, DispatchOutcome).self) { group in
                for number in 0..<512 {
                    group.addTask {
                        let id = anyExecutionID()
                        let model = ["gpt-5-4-mini", "draft-image", "gpt-image-2"][number % 3]
                        return (
                            id.description, try await bench.run(model, ["prompt": "a cat"], id: id, seconds: 60)
                        )
                    }
                }
                var outcomes: [String: DispatchOutcome] = [:]
                for try await (id, outcome) in group { outcomes[id] = outcome }
                return (outcomes, try await bench.get("/_simulator/runs"))
            }
        }
        #expect(books["total"] == 512)
        #expect(books["distinct"] == 512)
        #expect(books["accepted"] == 0)
        var kinds: Set<String> = []
        for run in books["runs"]?.arrayValue ?? [] {
            let id = try #require(run["clientRequestId"]?.stringValue)
            let outcome = try #require(outcomes[id])
            let booked = run["outcome"]?.stringValue ?? ""
            kinds.insert(booked)
            switch outcome {
            case .succeeded, .unresolved: #expect(booked == "completed")
            case .failed: #expect(booked == "refused" || booked == "failed")
            }
        }
        // Guards against a run of the test in which nothing went wrong.
        #expect(kinds == ["completed", "refused", "failed"])
    }
}
