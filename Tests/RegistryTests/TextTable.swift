import Foundation
import Registry
import Testing

/// A row of a rules table: `left -> right`, with the line it stands on for messages.
struct TableRow: CustomTestStringConvertible, Sendable {
    let left: String
    let right: String

    var testDescription: String { "\(left) -> \(right)" }
}

/// Splits a text of `left -> right` lines into rows; blank lines and lines that begin with `#` are skipped.
func table(_ text: String) -> [TableRow] {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { !$0.isEmpty && !$0.hasPrefix("#") }
        .map { line in
            let parts = line.components(separatedBy: " -> ")
            precondition(parts.count == 2, "a row needs exactly one arrow: \(line)")
            return TableRow(
                left: parts[0].trimmingCharacters(in: .whitespaces),
                right: parts[1].trimmingCharacters(in: .whitespaces)
            )
        }
}

/// The folder of the definition files that the product ships.
let modelsFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "models").path

/// Values for every variable that the shipped definitions name.
let variables = [
    "KIE_BASE_URL": "http://127.0.0.1:1", "KIE_API_KEY": "kie-secret", "TEXT_BASE_URL": "http://127.0.0.1:2",
    "TEXT_API_KEY": "text-secret", "IMAGE_BASE_URL": "http://127.0.0.1:3", "IMAGE_API_KEY": "image-secret",
    "FAL_API_KEY": "fal-secret", "ANTHROPIC_API_KEY": "anthropic-secret", "OPENAI_API_KEY": "openai-secret",
    "ARK_API_KEY": "ark-secret", "SUNO_API_KEY": "suno-secret", "REPLICATE_API_TOKEN": "replicate-secret",
    "KLING_ACCESS_KEY": "kling-access", "KLING_SECRET_KEY": "kling-secret",
]

/// The definitions of the providers that the product ships.
let providerFiles: [DefinitionFile] = {
    let folder = URL(filePath: modelsFolder).deletingLastPathComponent().appending(path: "providers")
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    return (names ?? []).filter { $0.hasSuffix(".yaml") }.sorted().map { name in
        let text = try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
        return DefinitionFile(name: name, text: text ?? "")
    }
}()
