public import Ledger

/// Makes identifiers that carry a journal and sort by time.
public struct IdentifierSource: Sendable {
    private let clock: @Sendable () -> Timestamp

    /// Makes a source with its clock.
    public init(clock: @escaping @Sendable () -> Timestamp) { self.clock = clock }

    /// The next identifier, for something in a journal.
    public func next(in journal: JournalID) -> Identifier128 {
        var generator = SystemRandomNumberGenerator()
        return Identifier128(
            unixMilliseconds: UInt64(clamping: clock().microseconds / 1_000),
            journal: journal,
            random: generator.next()
        )
    }

    /// The next identifier, for something that no journal routes by.
    public func next() -> Identifier128 { next(in: JournalID(0)) }

    /// The next command's identifier.
    public func command() -> CommandID { CommandID(next()) }
}
