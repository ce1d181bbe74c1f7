extension Digest {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The 32 bytes in standard base64.
    public var base64: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(44)
        let bytes = bytes + [0]
        for start in stride(from: 0, to: 33, by: 3) {
            let group = UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2])
            for shift in [18, 12, 6, 0] { digits.append(Self.alphabet[Int(group >> UInt32(shift)) & 63]) }
        }
        digits[43] = UInt8(ascii: "=")
        return String(decoding: digits, as: UTF8.self)
    }

    /// Reads 32 bytes in standard base64, 44 characters; nil for anything else.
    public init?(base64 text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 44, digits[43] == UInt8(ascii: "=") else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(33)
        var group: UInt32 = 0
        for (index, digit) in digits.enumerated() {
            guard let value = index == 43 ? 0 : Self.alphabet.firstIndex(of: digit) else { return nil }
            group = group << 6 | UInt32(value)
            guard index % 4 == 3 else { continue }
            bytes += [UInt8(truncatingIfNeeded: group >> 16), UInt8(truncatingIfNeeded: group >> 8)]
            bytes.append(UInt8(truncatingIfNeeded: group))
            group = 0
        }
        guard bytes.removeLast() == 0 else { return nil }
        self.init(bytes: bytes)
    }
}
