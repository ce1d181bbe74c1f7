/// What an address is set aside for, after IANA's special-purpose address registries (RFC 6890 and its updates).
public enum AddressClass: String, Hashable, Sendable, CaseIterable {
    /// An ordinary address of the public internet.
    case global
    /// This machine (RFC 1122, RFC 4291).
    case loopback
    /// "This network", or no address at all.
    case unspecified
    /// Private networks (RFC 1918), unique local (RFC 4193) and the old site-local ones.
    case privateUse
    /// Valid on one link only (RFC 3927, RFC 4291): home of most clouds' metadata services.
    case linkLocal
    /// Between a carrier and its customers (RFC 6598).
    case carrierShared
    /// A cloud's service for its own machines at an address that looks public.
    case cloudMetadata
    /// Groups of receivers.
    case multicast
    /// Documentation and benchmarks.
    case documentation
    /// A wrapper around another address, of a transition mechanism that is gone or local: 6to4, Teredo, local NAT64.
    case tunnel
    /// Everything else that nobody has been given.
    case reserved
}

extension IPAddress {
    /// What the address is set aside for.
    ///
    /// An address that only carries an IPv4 address (v4-mapped, v4-compatible, NAT64's well-known prefix) is what that
    /// one is, since that is where packets end up.
    public var addressClass: AddressClass {
        switch self {
        case .v4(let bits):
            return Self.fourTable.first { bits >> (32 - $0.length) == $0.prefix >> (32 - $0.length) }?.use ?? .global
        case .v6(let high, let low):
            if let embedded = Self.embedded(high, low) { return embedded.addressClass }
            if let entry = Self.sixTable.first(where: { $0.matches(high, low) }) { return entry.use }
            // 2000::/3 is all of IPv6 that is given out.
            return high >> 61 == 1 ? .global : .reserved
        }
    }

    private static func embedded(_ high: UInt64, _ low: UInt64) -> IPAddress? {
        let four = IPAddress.v4(UInt32(truncatingIfNeeded: low))
        switch (high, low >> 32) {
        case (0, 0xFFFF): return four
        // ::a.b.c.d, but not :: and ::1.
        case (0, 0) where low > 1: return four
        case (0x0064_FF9B_0000_0000, 0): return four
        default: return nil
        }
    }

    private struct FourEntry {
        let prefix: UInt32
        let length: UInt32
        let use: AddressClass

        init(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32, _ length: UInt32, _ use: AddressClass) {
            self.prefix = a << 24 | b << 16 | c << 8 | d
            self.length = length
            self.use = use
        }
    }

    private static let fourTable = [
        FourEntry(0, 0, 0, 0, 8, .unspecified),
        FourEntry(10, 0, 0, 0, 8, .privateUse),
        FourEntry(100, 64, 0, 0, 10, .carrierShared),
        FourEntry(127, 0, 0, 0, 8, .loopback),
        FourEntry(168, 63, 129, 16, 32, .cloudMetadata),
        FourEntry(169, 254, 0, 0, 16, .linkLocal),
        FourEntry(172, 16, 0, 0, 12, .privateUse),
        FourEntry(192, 0, 0, 0, 24, .reserved),
        FourEntry(192, 0, 2, 0, 24, .documentation),
        FourEntry(192, 88, 99, 0, 24, .tunnel),
        FourEntry(192, 168, 0, 0, 16, .privateUse),
        FourEntry(198, 18, 0, 0, 15, .documentation),
        FourEntry(198, 51, 100, 0, 24, .documentation),
        FourEntry(203, 0, 113, 0, 24, .documentation),
        FourEntry(224, 0, 0, 0, 4, .multicast),
        FourEntry(240, 0, 0, 0, 4, .reserved),
    ]

    private struct SixEntry {
        let high: UInt64
        let low: UInt64
        let length: UInt64
        let use: AddressClass

        init(_ high: UInt64, low: UInt64 = 0, _ length: UInt64, _ use: AddressClass) {
            self.high = high
            self.low = low
            self.length = length
            self.use = use
        }

        func matches(_ high: UInt64, _ low: UInt64) -> Bool {
            length == 128 ? high == self.high && low == self.low : high >> (64 - length) == self.high >> (64 - length)
        }
    }

    private static let sixTable = [
        SixEntry(0, low: 0, 128, .unspecified),
        SixEntry(0, low: 1, 128, .loopback),
        SixEntry(0x0064_FF9B_0001_0000, 48, .tunnel),
        // 2001::/23 belongs to the IETF's protocols, Teredo among them.
        SixEntry(0x2001_0000_0000_0000, 23, .tunnel),
        SixEntry(0x2001_0DB8_0000_0000, 32, .documentation),
        SixEntry(0x2002_0000_0000_0000, 16, .tunnel),
        SixEntry(0x3FFF_0000_0000_0000, 20, .documentation),
        SixEntry(0xFC00_0000_0000_0000, 7, .privateUse),
        SixEntry(0xFE80_0000_0000_0000, 10, .linkLocal),
        SixEntry(0xFEC0_0000_0000_0000, 10, .privateUse),
        SixEntry(0xFF00_0000_0000_0000, 8, .multicast),
    ]
}
