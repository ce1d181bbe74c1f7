import Foundation
import Logging
import Observability
import Synchronization
import Testing

@Suite("A JSON log line")
struct JSONLogHandlerTests {
    @Test("has time to the microsecond, level, label, message and metadata, in one line")
    func members() throws {
        let record = try lineOf { logger in
            logger[metadataKey: "request_id"] = "r-1"
            logger.warning("slow \"run\"\nsecond line", metadata: ["ms": "\(12)", "tags": ["a", "b"]])
        }
        #expect(record.text.filter(\.isNewline).count == 1)
        #expect(record.text.hasSuffix("}\n"))
        let time = try #require(record.json["time"] as? String)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil)
        let date = try Date(time, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true))
        #expect(abs(date.timeIntervalSinceNow) < 60)
        #expect(record.json["level"] as? String == "warning")
        #expect(record.json["label"] as? String == "test")
        #expect(record.json["message"] as? String == "slow \"run\"\nsecond line")
        #expect(record.metadata["request_id"] as? String == "r-1")
        #expect(record.metadata["ms"] as? String == "12")
        #expect(record.metadata["tags"] as? [String] == ["a", "b"])
    }

    @Test(
        "comes back unchanged from a JSON parser whatever it holds",
        arguments: [
            "", "\\\"", "\u{0}\u{1F}\u{7F}\u{85}", "\u{2028}\u{2029}", "ä€😀", "\r\n\t", "{\"message\":\"forged\"}\n{}",
        ]
    )
    func escaping(text: String) throws {
        let record = try lineOf { $0.info("\(text)", metadata: ["\(text)": "\(text)"]) }
        #expect(record.text.filter(\.isNewline).count == 1)
        #expect(record.json["message"] as? String == text)
        #expect(record.metadata[text] as? String == text)
    }

    @Test(
        "never shows a secret or an input",
        arguments: [
            "x-api-key", "X-API-Key", "key", "secret", "authorization", "inputs", "webhook_secret", "sessionToken",
            "password",
        ]
    )
    func redaction(key: String) throws {
        let record = try lineOf { $0.info("m", metadata: ["\(key)": "hush", "nested": ["\(key)": ["hush"]]]) }
        #expect(!record.text.contains("hush"))
        #expect(record.metadata[key] as? String == "[redacted]")
    }

    @Test("shows what only looks like a secret", arguments: ["key_id", "idempotency_key", "monkey", "input_count"])
    func noRedaction(key: String) throws {
        #expect(try lineOf { $0.info("m", metadata: ["\(key)": "shown"]) }.metadata[key] as? String == "shown")
    }

    @Test("is cut where a value is longer than 8 KiB")
    func longValue() throws {
        let record = try lineOf { $0.info("\(String(repeating: "ä", count: 100_000))") }
        #expect(record.text.utf8.count < 9000)
        #expect((record.json["message"] as? String)?.hasSuffix("ä… (cut)") == true)
    }

    @Test("is not written below the logger's level")
    func level() {
        let lines = Lines()
        let logger = Logger(label: "test") { JSONLogHandler(label: $0, level: .notice, output: lines.output) }
        logger.info("quiet")
        logger.notice("loud")
        #expect(lines.all.count == 1)
    }

    @Test("for people has the same content, one line, and no secret")
    func text() {
        let lines = Lines()
        let logger = Logger(label: "test") { TextLogHandler(label: $0, output: lines.output) }
        logger.error("no\nluck", metadata: ["key": "hush", "count": "\(3)", "a\nb": "c"])
        let words = lines.all.first?.split(separator: "Z ", maxSplits: 1).last
        #expect(words == "ERROR    test: no\\u000aluck a\\u000ab=\"c\" count=\"3\" key=\"[redacted]\"\n")
    }

    /// The one line that the body logs.
    private func lineOf(_ body: (inout Logger) -> Void) throws -> Record {
        let lines = Lines()
        var logger = Logger(label: "test") { JSONLogHandler(label: $0, output: lines.output) }
        body(&logger)
        try #require(lines.all.count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(lines.all[0].utf8))
        return Record(text: lines.all[0], json: try #require(object as? [String: Any]))
    }

    private struct Record {
        let text: String
        let json: [String: Any]
        var metadata: [String: Any] { json["metadata"] as? [String: Any] ?? [:] }
    }
}

/// Collects the lines that are written.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    var output: LogOutput {
        LogOutput { line in
            let text = String(decoding: line, as: UTF8.self)
            self.lines.withLock { $0.append(text) }
        }
    }
}
