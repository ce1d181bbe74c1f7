import Logging
import RunTestSupport

/// Keeps every record as a line: level, message, and metadata in the order of their keys.
struct RecordingLog: Sendable {
    private let trace = Trace()
    private let level: Logger.Level

    init(level: Logger.Level = .trace) { self.level = level }

    var lines: [String] { trace.all }

    var logger: Logger {
        var logger = Logger(label: "api") { _ in Handler(trace: trace) }
        logger.logLevel = level
        return logger
    }

    private struct Handler: LogHandler {
        let trace: Trace
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }.filter { $0.key != "hb.request.id" }
            let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            trace.note("\(event.level) \(event.message)\(pairs) ")
        }
    }
}
