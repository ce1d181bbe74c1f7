import Glibc
public import Logging

/// Writes each log record as one line for people: time, level, label, message, then `key=value` in the keys' order.
///
/// Redacts what ``JSONLogHandler`` redacts, and escapes the same characters.
public struct TextLogHandler: LogHandler {
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
        var line = Timestamp.iso8601(unixSeconds: now.tv_sec, microseconds: now.tv_nsec / 1000)
        let level = event.level.rawValue.uppercased()
        // 8: the longest level, and what keeps the messages under each other.
        let padding = String(repeating: " ", count: max(0, 8 - level.utf8.count))
        line += " \(level)\(padding) \(label): ".utf8
        line += Self.escaped(event.message.description)
        for (key, value) in event.merged(with: metadata, provider: metadataProvider).sorted(by: { $0.key < $1.key }) {
            line.append(UInt8(ascii: " "))
            line += Self.escaped(key)
            line.append(UInt8(ascii: "="))
            var json = JSONLine()
            json.append(Redaction.isSecret(key) ? .string(Redaction.replacement) : value)
            line += json.bytes
        }
        line.append(UInt8(ascii: "\n"))
        output.write(line)
    }

    /// The text as in JSON, without the quotes around it.
    private static func escaped(_ text: String) -> ArraySlice<UInt8> {
        var json = JSONLine()
        json.string(text)
        return json.bytes.dropFirst().dropLast()
    }
}
