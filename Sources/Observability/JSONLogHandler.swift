import Glibc
public import Logging

/// Writes each log record as one line of JSON: time, level, label, message, then the metadata.
///
/// A record never spans lines and never holds a secret or an input: the value of every metadata key that names one is
/// replaced by `[redacted]`, also inside dictionaries. The line is written in one piece to the output.
public struct JSONLogHandler: LogHandler {
    /// Metadata that each record of this logger carries.
    public var metadata: Logger.Metadata = [:]
    /// Supplies metadata from the running task.
    public var metadataProvider: Logger.MetadataProvider?
    /// Records below this level are not written.
    public var logLevel: Logger.Level

    private let label: String
    private let output: LogOutput

    /// Makes a handler for one logger.
    ///
    /// - Parameters:
    ///   - label: the logger's name.
    ///   - level: the lowest level that is written.
    ///   - metadataProvider: supplies metadata from the running task.
    ///   - output: where the lines go.
    public init(
        label: String,
        level: Logger.Level = .info,
        metadataProvider: Logger.MetadataProvider? = nil,
        output: LogOutput = .standardError
    ) {
        self.label = label
        self.logLevel = level
        self.metadataProvider = metadataProvider
        self.output = output
    }

    /// One metadata value of this logger.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one record. Metadata of the record wins over the provider's, and that over the logger's.
    public func log(event: LogEvent) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        output.write(line(for: event, unixSeconds: now.tv_sec, microseconds: now.tv_nsec / 1000))
    }

    /// The record's line for a given time, with its line feed.
    func line(for event: LogEvent, unixSeconds: Int, microseconds: Int) -> [UInt8] {
        var line = JSONLine()
        line.beginObject()
        line.key("time")
        line.timestamp(unixSeconds: unixSeconds, microseconds: microseconds)
        line.member("level", event.level.rawValue)
        line.member("label", label)
        line.member("message", event.message.description)
        let all = event.merged(with: metadata, provider: metadataProvider)
        if !all.isEmpty {
            line.key("metadata")
            line.append(.dictionary(all))
        }
        line.endObject()
        line.endLine()
        return line.bytes
    }
}
