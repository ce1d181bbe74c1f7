import Logging

extension LogEvent {
    /// All metadata of the record: its own wins over the provider's, and that over the logger's. An error given beside
    /// the message is metadata like any other.
    func merged(with logger: Logger.Metadata, provider: Logger.MetadataProvider?) -> Logger.Metadata {
        var all = logger
        if let provided = provider?.get() { all.merge(provided) { $1 } }
        if let metadata { all.merge(metadata) { $1 } }
        if let error, all["error"] == nil { all["error"] = .string(String(describing: error)) }
        return all
    }
}
