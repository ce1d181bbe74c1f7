import Foundation

/// Text signed by one or more keys (c2sp.org/signed-note).
public struct SignedNote: Hashable, Sendable {
    /// One line of a signature.
    public struct Signature: Hashable, Sendable {
        /// The name of the key.
        public let name: String
        /// The first four bytes of the key's hash.
        public let keyID: UInt32
        /// What the key's algorithm gave.
        public let bytes: [UInt8]

        /// Makes a signature.
        public init(name: String, keyID: UInt32, bytes: [UInt8]) {
            self.name = name
            self.keyID = keyID
            self.bytes = bytes
        }

        /// The line, with its line end.
        public var line: String {
            let id = withUnsafeBytes(of: keyID.bigEndian) { Array($0) }
            return "\u{2014} \(name) \(Data(id + bytes).base64EncodedString())\n"
        }

        init?(line: Substring) {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "\u{2014}", NoteName.isValid(parts[1]),
                let bytes = Data(base64Encoded: String(parts[2])), bytes.count > 4
            else { return nil }
            self.name = String(parts[1])
            self.keyID = bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
            self.bytes = Array(bytes.dropFirst(4))
        }
    }

    /// What is signed, with the last line's end.
    public let text: String
    /// The signatures, in order.
    public var signatures: [Signature]

    /// Makes a note.
    public init(text: String, signatures: [Signature]) {
        precondition(text.hasSuffix("\n"), "a note's text ends with a line end")
        self.text = text
        self.signatures = signatures
    }

    /// Signatures that are read of one note.
    public static let mostSignatures = 64

    /// Reads a note without checking a signature; nil when the form is wrong.
    public init?(_ note: String) {
        guard note.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x0a }), note.hasSuffix("\n"),
            let end = note.range(of: "\n\n", options: .backwards)
        else { return nil }
        let lines = note[end.upperBound...].dropLast().split(separator: "\n", omittingEmptySubsequences: false)
        let signatures = lines.compactMap { Signature(line: $0) }
        guard !signatures.isEmpty, signatures.count == lines.count, lines.count <= Self.mostSignatures else {
            return nil
        }
        self.init(text: note[..<end.lowerBound] + "\n", signatures: signatures)
    }

    /// The note as it is stored and sent.
    public var description: String { text + "\n" + signatures.map(\.line).joined() }

    /// The first signature of a key; nil when there is none, or when it is wrong.
    public func signature(by key: NoteVerifier) -> Signature? {
        signatures.first { $0.name == key.name && $0.keyID == key.keyID && key.isValid($0.bytes, of: text) }
    }
}

/// Names of keys.
enum NoteName {
    /// Not empty, without spaces and without a plus sign.
    static func isValid(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && !name.contains { $0 == "+" || $0.isWhitespace }
    }
}
