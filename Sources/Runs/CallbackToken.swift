public import Ledger

/// The last part of the address that a provider may call when a run's state has changed: the run's id, which carries its
/// journal, and 128 random bits, in base 62. Unguessable, made anew for each submit; its SHA-256 is kept.
public struct CallbackToken: Sendable {
    private static let digitCount = 43

    /// The token.
    public let text: String
    /// The run.
    public let executionID: ExecutionID
    /// The SHA-256 of the token.
    public let digest: Digest

    /// Makes a token for a run from the system's randomness.
    public init(for executionID: ExecutionID) {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for half in [executionID.value.high, executionID.value.low, generator.next(), generator.next()] {
            withUnsafeBytes(of: half.bigEndian) { bytes.append(contentsOf: $0) }
        }
        self.text = Base62.encode(bytes, digits: Self.digitCount)
        self.executionID = executionID
        self.digest = Digest(of: Array(text.utf8))
    }

    /// Reads a token as it came back; nil when it can't be one.
    public init?(_ text: String) {
        guard text.utf8.count == Self.digitCount, let bytes = Base62.decode(text.utf8, byteCount: 32) else {
            return nil
        }
        func half(_ start: Int) -> UInt64 { bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        self.text = text
        self.executionID = ExecutionID(Identifier128(high: half(0), low: half(8)))
        self.digest = Digest(of: Array(text.utf8))
    }
}
