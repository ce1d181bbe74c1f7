import Foundation
import Glibc
public import TransparencyLog

/// A file with the secret key of a log or of a witness, which nobody but its owner may read.
public enum KeyFile {
    /// Why a key can't be had or kept.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// Which file, and what is wrong with it.
        public let description: String
    }

    /// Makes a key and a file for it.
    ///
    /// - Throws: a `Fault` when there is a file already, when it can't be written, or when the name can't be a key's.
    public static func create(_ path: String, name: String, kind: NoteKeyKind) throws(Fault) -> NoteSigner {
        guard let signer = NoteSigner.random(name: name, kind: kind), name.utf8.count <= 200,
            !name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f })
        else {
            throw Fault(description: "the name must be 1 to 200 bytes without space, control character or plus sign")
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let reason = errno == EEXIST ? "it exists, and a key is never replaced" : String(cString: strerror(errno))
            throw Fault(description: "\(path) can't be made: \(reason)")
        }
        defer { close(descriptor) }
        let text = Array((signer.secretText + "\n").utf8)
        guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
            throw Fault(description: "\(path) can't be written: \(String(cString: strerror(errno)))")
        }
        return signer
    }

    /// Reads a key.
    ///
    /// - Throws: a `Fault` when others than the owner may read the file, or when it holds no such key.
    public static func read(_ path: String, kind: NoteKeyKind) throws(Fault) -> NoteSigner {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let mode = attributes[.posixPermissions] as? Int
        else { throw Fault(description: "\(path) can't be read") }
        guard mode & 0o077 == 0 else {
            let octal = String(mode, radix: 8)
            throw Fault(description: "\(path) has mode \(octal): others than its owner may use the key (chmod 600)")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Fault(description: "\(path) can't be read")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let signer = NoteSigner(text), signer.verifier.kind == kind else {
            throw Fault(description: "\(path) holds no secret key of a \(kind == .log ? "log" : "witness")")
        }
        return signer
    }
}
