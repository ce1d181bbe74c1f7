import Foundation

/// Makes a folder of its own for the body and removes it afterwards, also when the body throws.
///
/// - Parameters:
///   - parent: the folder to make it in.
///   - body: receives the folder's absolute path.
public func withTemporaryFolder<Value>(
    in parent: String = "/tmp",
    _ body: (String) async throws -> sending Value
) async throws -> sending Value {
    let path = "\(parent)/runledger-test-\(UUID().uuidString.prefix(8).lowercased())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
