import HistoryTestSupport
import Ledger
import Testing

@Suite struct IdentifierTests {
    @Test("an identifier is a UUID of version 7 that carries its journal and its creation time")
    func versionSeven() {
        for journal in [0, 1, 15, 4_095] as [Int16] {
            let id = Identifier128(unixMilliseconds: 0x0123_4567_89AB, journal: JournalID(journal), random: .max)
            #expect(id.embeddedJournal == JournalID(journal))
            #expect(ExecutionID(id).journal == JournalID(journal))
            #expect(KeyID(id).journal == JournalID(journal))
            let text = id.description
            #expect(text.hasPrefix("01234567-89ab-7"), "\(text)")
            #expect(text.hasSuffix("-bfff-ffffffffffff"), "\(text)")
            let none = Identifier128(unixMilliseconds: 0, journal: JournalID(journal), random: 0)
            #expect(none.description.hasSuffix("-8000-000000000000"))
        }
    }

    @Test("only the low 48 bits of a creation time are kept, and they don't touch the version")
    func overlongTime() {
        let id = Identifier128(unixMilliseconds: .max, journal: JournalID(5), random: 1)
        #expect(id.description == "ffffffff-ffff-7005-8000-000000000001")
    }

    @Test("identifiers sort by creation time, as their bytes and their text do")
    func order() {
        var random = SplitMix64(seed: 3)
        let ids = (0..<500).map { _ in Identifier128(high: random.next(), low: random.next()) }
        let sorted = ids.sorted()
        #expect(sorted.map(\.description) == ids.map(\.description).sorted())
        let early = Identifier128(unixMilliseconds: 1, journal: JournalID(9), random: .max)
        let late = Identifier128(unixMilliseconds: 2, journal: JournalID(0), random: 0)
        #expect(early < late)
    }

    @Test("an identifier is read back from its text in either case, and from nothing else")
    func text() {
        let text = "0192f3a0-1b2c-7001-8d4e-5f60718293a4"
        #expect(Identifier128(text)?.description == text)
        #expect(Identifier128(text.uppercased())?.description == text)
        #expect(PotID(text: text)?.description == text)
        for wrong in [
            "", "0192f3a01b2c70018d4e5f60718293a4", text + "0", String(text.dropLast()), "{\(text)}",
            "0192f3a0-1b2c-7001-8d4e-5f60718293ag", "0192f3a0-1b2c-7001-8d4e5-f60718293a4",
            "+192f3a0-1b2c-7001-8d4e-5f60718293a4", "0192f3a0-1b2c-7001-8d4e-5f6071829３",
        ] {
            #expect(Identifier128(wrong) == nil, "\(wrong)")
        }
    }

    @Test(
        "a moment belongs to the clock minute it lies in, before the epoch too",
        arguments: [
            (0, 0), (59_999_999, 0), (60_000_000, 1), (-1, -1), (-60_000_000, -1), (-60_000_001, -2),
            (1_767_261_659_999_999, 29_454_360),
        ]
    )
    func minutes(microseconds: Int64, minute: Int64) {
        #expect(Timestamp(microseconds: microseconds).minute == minute)
    }

    @Test("a window's headers say when it ends and how long that is, at least a second")
    func retryAfter() {
        let seconds = { (microseconds: Int64) in
            WindowStatusProbe.status(at: Timestamp(microseconds: microseconds)).retryAfterSeconds
        }
        #expect(seconds(0) == 60)
        #expect(seconds(1) == 60)
        #expect(seconds(1_000_000) == 59)
        #expect(seconds(59_000_000) == 1)
        #expect(seconds(59_999_999) == 1)
        #expect(WindowStatusProbe.status(at: Timestamp(microseconds: 61_000_000)).resetSeconds == 120)
    }
}

/// The window status that a first request at some moment gets.
private enum WindowStatusProbe {
    static func status(at moment: Timestamp) -> WindowStatus {
        var world = World()
        world.now = Timestamp(microseconds: -10_000_000)
        for act in (try? Act.all(in: "account business", world: &world)) ?? [] { world.perform(act) }
        world.now = moment
        for act in (try? Act.all(in: "run a image bad body", world: &world)) ?? [] { world.perform(act) }
        guard case .refused(_, let window?) = world.decision?.verdict else { preconditionFailure("no window") }
        return window
    }
}
