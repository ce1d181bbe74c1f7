import Glibc
import TestSupport
import Testing

@Suite("The tests' helpers")
struct TestSupportTests {
    @Test("a seed gives the published numbers of SplitMix64")
    func seed() {
        var seed = Seed(1_234_567)
        #expect(seed.next() == 6_457_827_717_110_365_317)
        #expect(seed.next() == 3_203_168_211_198_807_973)
        #expect(seed.next() == 9_817_491_932_198_370_423)
    }

    @Test("a golden file is compared line by line, and written on demand")
    func golden() async throws {
        try await withTemporaryFolder { folder in
            let test = "\(folder)/SomeTests.swift"
            func problem(_ text: String, isUpdate: Bool = false) -> String? {
                goldenProblem(text, named: "lines.txt", filePath: test, isUpdate: isUpdate)
            }
            #expect(problem("one\ntwo\n")?.contains("UPDATE_GOLDEN=1") == true)
            #expect(problem("one\ntwo\n", isUpdate: true) == nil)
            #expect(problem("one\ntwo\n") == nil)
            #expect(problem("one\n2\n")?.contains("line 2") == true)
        }
    }

    @Test("a free port is one that can be listened on")
    func port() {
        #expect((1024...65_535).contains(freePort()))
    }

    @Test("a service is waited for by its ready line, and stops on SIGTERM with its own exit code")
    func serviceStops() async throws {
        try await withTemporaryFolder { folder in
            let script = "trap 'echo bye; exit 3' TERM; echo ready on $NAME; while :; do sleep 0.05; done"
            let log = "\(folder)/log"
            let service = try ServiceProcess(["sh", "-c", script], environment: ["NAME": "port 1"], logPath: log)
            #expect(try await service.waitForLine(containing: "ready") == "ready on port 1")
            #expect(service.ended == nil)
            #expect(await service.stop() == .exited(code: 3))
            #expect(service.log.hasSuffix("bye\n"))
        }
    }

    @Test("a service that ends before its ready line is reported with what it printed")
    func serviceEnds() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceProcess(["sh", "-c", "echo no luck; exit 1"], logPath: "\(folder)/log")
            let error = await #expect(throws: ServiceProcess.NotReady.self) {
                try await service.waitForLine(containing: "ready")
            }
            #expect(error?.description.contains("no luck") == true)
        }
    }

    @Test("a killed service ends by that signal")
    func serviceKilled() async throws {
        try await withTemporaryFolder { folder in
            let service = try ServiceProcess(["sleep", "600"], logPath: "\(folder)/log")
            #expect(await service.stop(SIGKILL) == .killed(signal: SIGKILL))
        }
    }
}
