import HTTPTypes
import Ledger
import Logging
import RunTestSupport
import Runs
import Synchronization
import Testing
import Traces

/// W3C Trace Context: in from the client, into the events and the log, and on to the provider.
@Suite("traces")
struct TraceTests {
    private static let id = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00-\(id)-00f067aa0ba902b7-01"

    @Test("a client's trace is in the event of its request and in the log, and goes on to the provider in another span")
    func goesOn() async throws {
        let log = RecordingLog(level: .info)
        let seen = TraceBox()
        let bench = try APIBench(logger: log.logger) { _, _ in
            seen.note(TraceContext.current)
            return .done
        }
        let headers = [("traceparent", Self.parent), ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")]
        _ = try await bench.answer(APIRequest(headers: headers))
        let received = try #require(bench.ledger.events.first { $0.type == .requestReceived })
        #expect(received.detail?["trace"] == .string(Self.id))
        #expect(log.lines.contains { $0.contains("trace=\(Self.id)") })
        let trace = try #require(seen.trace)
        #expect(trace.traceID.description == Self.id && trace.isSampled)
        #expect(trace.state == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
        let sent = trace.child().traceparent
        #expect(sent.hasPrefix("00-\(Self.id)-") && sent.hasSuffix("-01") && sent.utf8.count == 55)
        #expect(sent != Self.parent && sent != trace.traceparent)
    }

    @Test("two requests without a trace begin one each")
    func begins() async throws {
        let bench = try APIBench()
        for _ in 0..<2 { _ = try await bench.answer(APIRequest()) }
        let ids = bench.ledger.events.compactMap { $0.detail?["trace"] }
        #expect(ids.count == 2 && Set(ids).count == 2)
    }

    @Test(
        "what the specification takes is gone on with, and anything else begins a new trace",
        arguments: [
            (parent, true), ("01-\(id)-00f067aa0ba902b7-01", true), ("cc-\(id)-00f067aa0ba902b7-01-more", true),
            ("cc-\(id)-00f067aa0ba902b7-01.more", false), ("ff-\(id)-00f067aa0ba902b7-01", false),
            ("00-\(id)-00f067aa0ba902b7-01-more", false), ("00-\(id.uppercased())-00f067aa0ba902b7-01", false),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false),
            ("00-\(id)-0000000000000000-01", false), ("00-\(id)-00f067aa0ba902b7-0", false),
            ("00-\(id)-00f067aa0ba902b7-zz", false), ("0-\(id)-00f067aa0ba902b7-01", false), ("", false),
            ("00_\(id)-00f067aa0ba902b7-01", false),
        ]
    )
    func parents(value: String, isTaken: Bool) {
        let trace = TraceContext(continuing: [value], states: [])
        #expect(trace?.traceID.description == (isTaken ? Self.id : nil))
    }

    @Test("a state is handed on as it came, or not at all")
    func states() {
        func state(_ values: String...) -> String? {
            TraceContext(continuing: [Self.parent], states: values)?.state
        }
        #expect(state("a=1", "b=2 , c=3") == "a=1,b=2 , c=3")
        #expect(state("fw529a3039@dt=FfAAAA") == "fw529a3039@dt=FfAAAA")
        for bad in ["", "a", "=1", "A=1", "a=1=2", "a="] { #expect(state(bad) == nil, "\(bad)") }
        let many = { (count: Int) in (0..<count).map { "k\($0)=v" }.joined(separator: ",") }
        #expect(state(many(32)) == many(32))
        #expect(state(many(33)) == nil)
        // Of a long one, as many whole members are kept as fit into 512 bytes.
        let long = (0..<4).map { "k\($0)=" + String(repeating: "v", count: $0 == 2 ? 161 : 167) }.joined(separator: ",")
        func kept(_ value: String) -> String? {
            TraceContext(continuing: [Self.parent], states: [value])?.kept.state
        }
        #expect(state(long) == long)
        #expect(kept(long) == long.split(separator: ",").prefix(3).joined(separator: ","))
        #expect(kept(long)?.utf8.count == 506)
        #expect(kept(many(32)) == many(32))
        #expect(TraceContext(continuing: [Self.parent, Self.parent], states: []) == nil)
    }

    @Test("flags other than the one for sampling are not handed on")
    func flags() throws {
        let trace = try #require(TraceContext(continuing: ["00-\(Self.id)-00f067aa0ba902b7-fe"], states: []))
        #expect(!trace.isSampled && trace.traceparent.hasSuffix("-00"))
    }
}

/// The trace that a provider was called in.
private final class TraceBox: Sendable {
    private let state = Mutex<TraceContext?>(nil)
    var trace: TraceContext? { state.withLock { $0 } }
    func note(_ trace: TraceContext?) { state.withLock { $0 = trace } }
}
