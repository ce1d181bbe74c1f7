import Foundation
import Synchronization

/// A repeatable source of randomness: SplitMix64, which gives the same numbers for the same seed on every machine.
public struct Seed: RandomNumberGenerator, Sendable {
    /// The number that it started from.
    public let value: UInt64
    private var state: UInt64

    /// A generator for a given seed.
    public init(_ value: UInt64) {
        self.value = value
        self.state = value
    }

    /// A generator for the seed in the environment's `SEED`, or a random one; prints how to repeat the run.
    ///
    /// - Parameter name: what the seed is for, printed with it.
    public static func announced(for name: String) -> Seed {
        let given = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
        let seed = Seed(given ?? UInt64.random(in: .min ... .max))
        FileHandle.standardError.write(Data("\(name): SEED=\(seed.value) repeats this run\n".utf8))
        return seed
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A generator of its own for a part of the run, so that the parts do not depend on each other's length.
    public mutating func fork() -> Seed { Seed(next()) }
}
