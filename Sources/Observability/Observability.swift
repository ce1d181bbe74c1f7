public import Logging

/// Sets up what the process tells about itself.
public enum Observability {
    /// How log lines look.
    public enum LogFormat: String, Sendable, CaseIterable {
        /// One JSON object a line, for machines.
        case json
        /// One line of text, for people.
        case text
    }

    /// Makes every `Logger` of the process write in one format; call it once, before the first logger is made.
    ///
    /// - Parameters:
    ///   - level: the lowest level that is written.
    ///   - format: how lines look.
    ///   - output: where lines go.
    public static func bootstrap(
        level: Logger.Level = .info,
        format: LogFormat = .json,
        output: LogOutput = .standardError
    ) {
        let factory: @Sendable (String, Logger.MetadataProvider?) -> any LogHandler = { label, provider in
            switch format {
            case .json: JSONLogHandler(label: label, level: level, metadataProvider: provider, output: output)
            case .text: TextLogHandler(label: label, level: level, metadataProvider: provider, output: output)
            }
        }
        LoggingSystem.bootstrap(factory, metadataProvider: nil)
    }
}
