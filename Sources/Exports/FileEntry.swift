import Crypto
import Foundation

/// Counts and hashes a file as it goes by.
struct FileEntry {
    let name: String
    private var count: Int64 = 0
    private var hash = SHA256()

    init(_ name: String) { self.name = name }

    mutating func add(_ bytes: some DataProtocol) {
        count += Int64(bytes.count)
        hash.update(data: bytes)
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        count += Int64(bytes.count)
        hash.update(bufferPointer: bytes)
    }

    /// What the manifest says of the file.
    var file: ExportManifest.File {
        let digits = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return ExportManifest.File(name: name, bytes: count, sha256: digits.joined())
    }
}
