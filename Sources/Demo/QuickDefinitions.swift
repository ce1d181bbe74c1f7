import Foundation
import Operations

/// The definitions as they are shipped, but with short pauses between polls: vendors' work takes minutes, the simulator's none.
enum QuickDefinitions {
    /// The longest pause before a poll in the demo.
    private static let longestMilliseconds = 300

    /// Writes them anew.
    ///
    /// - Parameter folder: the demo's folder.
    /// - Returns: the folder of the models' definitions, with `providers` beside it.
    static func write(
        below folder: String,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(OperationError) -> String {
        let models = environment["RUNLEDGER_MODELS"].flatMap { $0.isEmpty ? nil : $0 } ?? "models"
        let providers = URL(fileURLWithPath: models).deletingLastPathComponent().appendingPathComponent("providers")
            .path
        let target = "\(folder)/definitions"
        do {
            try? FileManager.default.removeItem(atPath: target)
            try copy(models, to: "\(target)/models")
            try copy(providers, to: "\(target)/providers")
        } catch {
            throw OperationError(.unavailable, "The definitions in \(models) can't be copied to \(target): \(error)")
        }
        return "\(target)/models"
    }

    private static func copy(_ source: String, to target: String) throws {
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: source) where name.hasSuffix(".yaml") {
            let text = try String(contentsOfFile: "\(source)/\(name)", encoding: .utf8)
            try hastened(text).write(toFile: "\(target)/\(name)", atomically: false, encoding: .utf8)
        }
    }

    private static func hastened(_ text: String) -> String {
        text.replacing(/(firstMilliseconds|intervalMilliseconds): (\d+)/) { match in
            "\(match.1): \(min(Int(match.2) ?? 0, longestMilliseconds))"
        }
    }
}
