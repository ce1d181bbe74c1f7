import Ledger
import TestSupport

/// Events that no rule would make, to reach every value that a column can have.
enum RandomEvent {
    /// An event whose thirteen optional columns are there where `present` has a bit.
    static func make(present: Int, position: Int64, using seed: inout Seed) -> Event {
        var content = EventContent(
            EventType.allCases.randomElement(using: &seed)!,
            account: AccountID(identifier(&seed)),
            at: moment(&seed),
            command: CommandID(identifier(&seed))
        )
        content.effectiveAt = moment(&seed)
        func has(_ bit: Int) -> Bool { present >> bit & 1 == 1 }
        content.requestID = has(0) ? RequestID(identifier(&seed)) : nil
        content.executionID = has(1) ? ExecutionID(identifier(&seed)) : nil
        content.keyID = has(2) ? KeyID(identifier(&seed)) : nil
        content.model = has(3) ? text(&seed) : nil
        content.grantID = has(4) ? GrantID(identifier(&seed)) : nil
        content.holdID = has(5) ? HoldID(identifier(&seed)) : nil
        content.potID = has(6) ? PotID(identifier(&seed)) : nil
        content.amount = has(7) ? credits(&seed) : nil
        content.balanceAfter = has(8) ? credits(&seed) : nil
        content.heldAfter = has(9) ? credits(&seed) : nil
        content.priceVersion = has(10) ? text(&seed) : nil
        content.detail = has(11) ? detail(&seed) : nil
        return Event(
            sealing: content,
            journal: JournalID(.random(in: 0..<4096, using: &seed)),
            position: position,
            sequence: .random(in: 1 ... .max, using: &seed),
            previousHash: has(12) ? Digest(of: Array(text(&seed).utf8)) : nil
        )
    }

    private static func identifier(_ seed: inout Seed) -> Identifier128 {
        Identifier128(high: seed.next(), low: seed.next())
    }

    /// Between the years 1899 and 2041, so that the test's arithmetic in SQL is exact.
    private static func moment(_ seed: inout Seed) -> Timestamp {
        Timestamp(microseconds: .random(in: -(1 << 51)...(1 << 51), using: &seed))
    }

    private static func credits(_ seed: inout Seed) -> Credits {
        let whole = Credits(microcredits: .random(in: -Int64.max...Int64.max, using: &seed))
        let edges = [Credits.zero, Credits(microcredits: 1), Credits(microcredits: -1), Credits(microcredits: .max)]
        return Bool.random(using: &seed) ? whole : edges.randomElement(using: &seed)!
    }

    private static func text(_ seed: inout Seed) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...24, using: &seed) {
            // NUL is the one character that PostgreSQL's text can't hold.
            let limit: UInt32 = [0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &seed)!
            if let scalar = Unicode.Scalar(UInt32.random(in: 1...limit, using: &seed)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private static func detail(_ seed: inout Seed) -> CanonicalJSON {
        .sorted([
            .init("a", .string(text(&seed))), .init("b", .integer(.random(in: -1000...1000, using: &seed))),
            .init("c", .array([.boolean(.random(using: &seed)), .string(text(&seed))])),
        ])
    }
}
