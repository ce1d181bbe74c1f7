import CoreMetrics
import TestSupport
import Testing

@testable import Observability

@Suite("The metrics' exposition")
struct MetricRegistryTests {
    private func text(_ registry: MetricRegistry) -> String { String(decoding: registry.exposition(), as: UTF8.self) }

    @Test("has help and type of every metric, and what was measured through swift-metrics")
    func wholeText() async throws {
        let registry = MetricRegistry([
            MetricDescription("jobs_total", .counter, "Jobs done.", labels: ["kind"]),
            MetricDescription("queue_jobs", .gauge, "Jobs that wait."),
            MetricDescription("job_seconds", .histogram(bounds: [0.5, 1, 2.5]), "What jobs took."),
        ])
        Counter(label: "jobs_total", dimensions: [("kind", "b")], factory: registry).increment(by: 41)
        Counter(label: "jobs_total", dimensions: [("kind", "b")], factory: registry).increment()
        Counter(label: "jobs_total", dimensions: [("kind", "a")], factory: registry).increment()
        Meter(label: "queue_jobs", factory: registry).set(-1.5)
        let timer = Timer(label: "job_seconds", factory: registry)
        // 0.5 is within the first bound: `le` means at most.
        for milliseconds in [250, 500, 501, 2_000, 9_000] { timer.recordNanoseconds(Int64(milliseconds) * 1_000_000) }
        let expected = """
            # HELP jobs_total Jobs done.
            # TYPE jobs_total counter
            jobs_total{kind="a"} 1
            jobs_total{kind="b"} 42
            # HELP queue_jobs Jobs that wait.
            # TYPE queue_jobs gauge
            queue_jobs -1.5
            # HELP job_seconds What jobs took.
            # TYPE job_seconds histogram
            job_seconds_bucket{le="0.5"} 2
            job_seconds_bucket{le="1"} 3
            job_seconds_bucket{le="2.5"} 4
            job_seconds_bucket{le="+Inf"} 5
            job_seconds_sum 12.251
            job_seconds_count 5

            """
        #expect(text(registry) == expected)
        let check = try await Promtool.run(["check", "metrics"], input: text(registry))
        #expect(check.isGood, "\(check.output)")
    }

    @Test("escapes what would end a label's value or a line, and is read again as it was meant")
    func escaping() async throws {
        let registry = MetricRegistry([
            MetricDescription("odd_total", .counter, "A \\ and a\nline, \"quoted\".", labels: ["name"])
        ])
        for name in ["a\\b", "quote \"", "two\nlines", "carriage\r\nreturn", "käse 🧀", ""] {
            Counter(label: "odd_total", dimensions: [("name", name)], factory: registry).increment()
        }
        let lines = text(registry).unicodeScalars.split(separator: "\n").map(String.init)
        #expect(lines.first == #"# HELP odd_total A \\ and a\nline, "quoted"."#)
        #expect(lines.contains(#"odd_total{name="a\\b"} 1"#))
        #expect(lines.contains(#"odd_total{name="quote \""} 1"#))
        #expect(lines.contains(#"odd_total{name="two\nlines"} 1"#))
        #expect(lines.contains("odd_total{name=\"carriage\r\\nreturn\"} 1"))
        #expect(lines.contains(#"odd_total{name="käse 🧀"} 1"#))
        #expect(lines.contains(#"odd_total{name=""} 1"#))
        #expect(lines.count == 8)
        let check = try await Promtool.run(["check", "metrics"], input: text(registry))
        #expect(check.isGood, "\(check.output)")
    }

    @Test(
        "writes numbers as the format has them",
        arguments: [
            (0.0, "0"), (-0.0, "0"), (1.0, "1"), (0.1, "0.1"), (1e-7, "1e-07"), (123_456_789_012.0, "123456789012"),
            (1e300, "1e+300"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String)]
    )
    func numbers(_ value: Double, _ expected: String) { #expect(ExpositionWriter.number(value) == expected) }

    @Test("counts label sets beyond a metric's bound under `other`, so that no client can fill the memory")
    func bounded() {
        let registry = MetricRegistry([
            MetricDescription("calls_total", .counter, "Calls.", labels: ["who"], maximumSeries: 3)
        ])
        for number in 0..<1_000 {
            Counter(label: "calls_total", dimensions: [("who", "\(number)")], factory: registry).increment()
        }
        Counter(label: "calls_total", dimensions: [("who", "1")], factory: registry).increment()
        let lines = text(registry).split(separator: "\n").dropFirst(2)
        #expect(
            lines == [
                #"calls_total{who="0"} 1"#, #"calls_total{who="1"} 2"#, #"calls_total{who="2"} 1"#,
                #"calls_total{who="other"} 997"#,
            ]
        )
    }

    @Test("loses nothing that many threads count at once")
    func concurrent() async {
        let registry = MetricRegistry([
            MetricDescription("hits_total", .counter, "Hits."),
            MetricDescription("sizes", .histogram(bounds: [10, 20]), "Sizes."),
        ])
        let counter = Counter(label: "hits_total", factory: registry)
        let recorder = Recorder(label: "sizes", factory: registry)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for number in 0..<10_000 {
                        counter.increment()
                        recorder.record(Int64(number % 30))
                    }
                }
            }
        }
        let all = text(registry)
        #expect(all.contains("\nhits_total 80000\n"))
        // Of 0 to 29, eleven are at most 10: 333 whole rounds of 30 and ten more from 0 to 9.
        #expect(all.contains("\nsizes_bucket{le=\"10\"} \(8 * (333 * 11 + 10))\n"))
        #expect(all.contains("\nsizes_count 80000\n"))
    }

    @Test("says what the kernel knows of the process")
    func process() throws {
        let registry = MetricRegistry(ProcessMetrics.descriptions)
        ProcessMetrics.add(to: registry)
        let statistics = try #require(ProcessStatistics.read())
        #expect(statistics.cpuSeconds > 0)
        #expect(statistics.residentBytes > 1_048_576)
        #expect(statistics.openDescriptors > 2)
        #expect(Double(statistics.openDescriptors) <= statistics.maximumDescriptors)
        let values = text(registry).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(values.count == 6)
        #expect(!values.contains { $0.hasSuffix(" 0") }, "\(values)")
    }
}
