import Foundation
public import Testing

/// Expects a text to equal the file `Golden/NAME` beside the calling test; the environment's `UPDATE_GOLDEN=1` writes it.
///
/// - Parameters:
///   - text: what the test produced.
///   - name: the file's name.
///   - filePath: the test's own file.
///   - location: where a difference is reported.
public func expectGolden(
    _ text: String,
    named name: String,
    filePath: String = #filePath,
    location: SourceLocation = #_sourceLocation
) {
    let isUpdate = ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1"
    if let problem = goldenProblem(text, named: name, filePath: filePath, isUpdate: isUpdate) {
        Issue.record("\(problem)", sourceLocation: location)
    }
}

/// What distinguishes a text from its golden file, in words; nil when nothing does or the file was written.
package func goldenProblem(_ text: String, named name: String, filePath: String, isUpdate: Bool) -> String? {
    let folder = URL(fileURLWithPath: filePath).deletingLastPathComponent().appendingPathComponent("Golden")
    let file = folder.appendingPathComponent(name)
    if isUpdate {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
            return nil
        } catch {
            return "\(file.path) can't be written: \(error)"
        }
    }
    guard let data = FileManager.default.contents(atPath: file.path) else {
        return "There is no Golden/\(name): UPDATE_GOLDEN=1 writes it."
    }
    guard let difference = firstDifference(String(decoding: data, as: UTF8.self), text) else { return nil }
    return """
        Golden/\(name), line \(difference.line):
          expected \(difference.expected)
          but got  \(difference.actual)
        """
}

private func firstDifference(_ expected: String, _ actual: String) -> (line: Int, expected: String, actual: String)? {
    if expected == actual { return nil }
    let pair = [expected, actual].map { $0.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
    for index in 0..<max(pair[0].count, pair[1].count) {
        let lines = pair.map { index < $0.count ? $0[index].debugDescription : "the end of the text" }
        if lines[0] != lines[1] { return (index + 1, lines[0], lines[1]) }
    }
    return nil
}
