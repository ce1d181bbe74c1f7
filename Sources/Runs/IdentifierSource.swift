public import Ledger
import Synchronization

/// Makes identifiers that carry a journal and sort by time.
///
/// They need to be different, not secret, so the system's randomness only seeds them: asking it for each would cost a
/// system call an identifier.
public final class IdentifierSource: Sendable {
    private let clock: @Sendable () -> Timestamp
    private let state: Atomic<UInt64>

    /// Makes a source with its clock.
    public init(clock: @escaping @Sendable () -> Timestamp) {
        var generator = SystemRandomNumberGenerator()
        self.clock = clock
        self.state = Atomic(generator.next())
    }

    /// The next identifier, for something in a journal.
    public func next(in journal: JournalID) -> Identifier128 {
        Identifier128(
            unixMilliseconds: UInt64(clamping: clock().microseconds / 1_000),
            journal: journal,
            random: nextRandom()
        )
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): a counter through a bijection, so that no value comes twice from one seed.
    private func nextRandom() -> UInt64 {
        var bits = state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// The next identifier, for something that no journal routes by.
    public func next() -> Identifier128 { next(in: JournalID(0)) }

    /// The next command's identifier.
    public func command() -> CommandID { CommandID(next()) }
}
