import HistoryTestSupport
import Ledger
import Testing

@Suite struct CanonicalBytesTests {
    private static let account = AccountID(Identifier128(high: 0x0192_F3A0_1B2C_7001, low: 0x8D4E_5F60_7182_93A4))
    private static let command = CommandID(Identifier128(high: 1, low: 2))

    private static let bare = Event(
        sealing: EventContent(.accountClosed, account: account, at: Timestamp(microseconds: 0), command: command),
        journal: JournalID(0),
        position: 1,
        sequence: 1,
        previousHash: nil
    )

    private static var full: Event {
        let recordedAt = Timestamp(microseconds: 1_767_261_600_000_003)
        var content = EventContent(.creditsHeld, account: account, at: recordedAt, command: command)
        content.effectiveAt = Timestamp(microseconds: 1_767_261_600_000_000)
        content.requestID = RequestID(Identifier128(high: 3, low: 4))
        content.executionID = ExecutionID(Identifier128(high: 5, low: 6))
        content.keyID = KeyID(Identifier128(high: 7, low: 8))
        content.model = "gpt-image-2"
        content.grantID = GrantID(Identifier128(high: 9, low: 10))
        content.holdID = HoldID(Identifier128(high: 11, low: 12))
        content.potID = PotID(Identifier128(high: 13, low: 14))
        content.amount = Credits(whole: 40)
        content.balanceAfter = Credits(whole: 150)
        content.heldAfter = Credits(whole: 40)
        content.priceVersion = "gpt-image-2@3"
        content.detail = .sorted([
            .init("\u{FB33}", .array([.boolean(true), .amount(Credits(microcredits: -1))])),
            .init("a", .integer(1)), .init("€", .string("é\n\u{1}😀")),
        ])
        let place = (position: Int64(1) << 40, sequence: Int64(2))
        return Event(
            sealing: content,
            journal: JournalID(15),
            position: place.position,
            sequence: place.sequence,
            previousHash: bare.hash
        )
    }

    private static var negative: Event {
        let recordedAt = Timestamp(microseconds: -1)
        var content = EventContent(.creditsAdjusted, account: account, at: recordedAt, command: command)
        content.effectiveAt = Timestamp(microseconds: -60_000_000)
        content.potID = PotID(Identifier128(high: 13, low: 14))
        content.amount = Credits(whole: -20)
        content.balanceAfter = Credits(microcredits: .min)
        content.heldAfter = .zero
        content.detail = .object([.init("reason", .string("typo"))])
        return Event(
            sealing: content,
            journal: JournalID(4_095),
            position: .max,
            sequence: .max,
            previousHash: full.hash
        )
    }

    private static var laterVersion: Event {
        let recordedAt = Timestamp(microseconds: 1)
        var content = EventContent(.rateLimitExceeded, account: account, at: recordedAt, command: command)
        content.requestID = RequestID(Identifier128(high: .max, low: .max))
        content.detail = .object([])
        return Event(
            version: 2,
            journal: JournalID(3),
            position: 7,
            sequence: 4,
            content: content,
            previousHash: Digest(bytes: Array(0..<32)),
            storedHash: Digest(hexadecimal: GoldenEvent.laterVersion.hash) ?? .zero
        )
    }

    @Test("events of every shape have the bytes and the hash they always had")
    func golden() {
        for (event, golden) in [
            (Self.bare, GoldenEvent.bare), (Self.full, .full), (Self.negative, .negative),
            (Self.laterVersion, .laterVersion),
        ] {
            #expect(hexadecimal(bytes(of: event)) == golden.bytes)
            #expect(event.hash.description == golden.hash)
            #expect(event.recomputedHash == event.hash)
        }
    }

    @Test("the journal's head chains the events in their order")
    func journalHead() {
        let hashes = [Self.bare, Self.full, Self.negative, Self.laterVersion].map(\.hash)
        let chained = { (hashes: [Digest]) in hashes.reduce(Digest.zero) { $0.chained(with: $1) }.description }
        #expect(chained(hashes) == GoldenEvent.journalHead)
        #expect(chained(hashes.reversed()) != GoldenEvent.journalHead)
    }

    @Test("an event that was altered in any column no longer has its hash")
    func alterations() throws {
        let changes: [(String, (inout EventContent) -> Void)] = [
            ("type", { $0.type = .creditsReleased }), ("account", { $0.accountID = AccountID(Self.command.value) }),
            ("recorded", { $0.recordedAt = $0.effectiveAt }), ("effective", { $0.effectiveAt = $0.recordedAt }),
            ("command", { $0.commandID = CommandID(Self.account.value) }), ("request", { $0.requestID = nil }),
            ("execution", { $0.executionID = nil }), ("key", { $0.keyID = nil }), ("model", { $0.model = "" }),
            ("no model", { $0.model = nil }), ("grant", { $0.grantID = nil }), ("hold", { $0.holdID = nil }),
            ("pot", { $0.potID = nil }), ("amount", { $0.amount = .zero }), ("balance", { $0.balanceAfter = nil }),
            ("held", { $0.heldAfter = nil }), ("price", { $0.priceVersion = nil }), ("detail", { $0.detail = nil }),
            ("swapped", { ($0.balanceAfter, $0.heldAfter) = ($0.heldAfter, $0.balanceAfter) }),
        ]
        var hashes: Set<Digest> = [Self.full.hash]
        for (column, change) in changes {
            var content = Self.full.content
            change(&content)
            #expect(hashes.insert(altered(Self.full, content: content).recomputedHash).inserted, "\(column)")
        }
        let event = Self.full
        for other in [
            altered(event, version: 2), altered(event, journal: JournalID(14)), altered(event, position: 1),
            altered(event, sequence: 3), altered(event, previousHash: .some(nil)),
        ] {
            #expect(hashes.insert(other.recomputedHash).inserted)
        }
    }

    @Test("a second encoder gives the same bytes for every event of random histories", arguments: UInt64(51)...54)
    func secondEncoder(seed: UInt64) throws {
        var history = RandomHistory(theme: .everything, seed: seed)
        var state = LedgerState()
        var previous: Event?
        for step in 1...400 {
            for content in state.perform(history.next(), at: history.now).events {
                let event = Event(
                    sealing: content,
                    journal: JournalID(7),
                    position: Int64(step),
                    sequence: (previous?.sequence ?? 0) + 1,
                    previousHash: previous?.hash
                )
                let bytes = SecondEncoder.bytes(of: event)
                try #require(hexadecimal(self.bytes(of: event)) == hexadecimal(bytes), "seed \(seed), step \(step)")
                try #require(event.hash == Digest(of: [0] + bytes), "seed \(seed), step \(step)")
                previous = event
            }
        }
        #expect(previous?.sequence ?? 0 > 450)
    }

    @Test("an event is hashed whole, however long its detail is", arguments: [1_500, 1_700, 2_048, 5_000, 70_000])
    func long(length: Int) {
        var content = Self.full.content
        content.detail = .object([.init("reason", .string(String(repeating: "é", count: length / 2)))])
        let event = altered(Self.full, content: content)
        #expect(bytes(of: event) == SecondEncoder.bytes(of: event))
        #expect(event.recomputedHash == Digest(of: [0] + SecondEncoder.bytes(of: event)))
        #expect(content.detail?.text.utf8.count ?? 0 == length / 2 * 2 + 13)
    }

    private func bytes(of event: Event) -> [UInt8] {
        CanonicalBytes.bytes(
            version: event.version,
            journal: event.journal,
            position: event.position,
            sequence: event.sequence,
            content: event.content,
            previousHash: event.previousHash
        )
    }

    private func altered(
        _ event: Event,
        version: Int16? = nil,
        journal: JournalID? = nil,
        position: Int64? = nil,
        sequence: Int64? = nil,
        content: EventContent? = nil,
        previousHash: Digest?? = nil
    ) -> Event {
        Event(
            version: version ?? event.version,
            journal: journal ?? event.journal,
            position: position ?? event.position,
            sequence: sequence ?? event.sequence,
            content: content ?? event.content,
            previousHash: previousHash ?? event.previousHash,
            storedHash: event.hash
        )
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// The canonical bytes once more, from the words of their definition instead of from its code.
private enum SecondEncoder {
    static func bytes(of event: Event) -> [UInt8] {
        let content = event.content
        let columns: [[UInt8]?] = [
            number(event.version), number(event.journal.number), number(event.position),
            identifier(content.accountID), number(event.sequence), Array(content.type.rawValue.utf8),
            number(content.recordedAt.microseconds), number(content.effectiveAt.microseconds),
            identifier(content.commandID), identifier(content.requestID), identifier(content.executionID),
            identifier(content.keyID), content.model.map { Array($0.utf8) }, identifier(content.grantID),
            identifier(content.holdID), identifier(content.potID), number(content.amount?.microcredits),
            number(content.balanceAfter?.microcredits), number(content.heldAfter?.microcredits),
            content.priceVersion.map { Array($0.utf8) }, content.detail.map { Array($0.text.utf8) },
            event.previousHash?.bytes,
        ]
        return columns.flatMap { column -> [UInt8] in
            guard let column else { return [255, 255, 255, 255] }
            return (number(Int32(column.count)) ?? []) + column
        }
    }

    private static func number<Number: FixedWidthInteger>(_ value: Number?) -> [UInt8]? {
        guard let value else { return nil }
        let shifts = stride(from: Number.bitWidth - 8, through: 0, by: -8)
        return shifts.map { UInt8(truncatingIfNeeded: value >> Number($0)) }
    }

    private static func identifier(_ id: (some LedgerIdentifier)?) -> [UInt8]? {
        guard let digits = id?.description.filter({ $0 != "-" }) else { return nil }
        let text = Array(digits)
        return stride(from: 0, to: 32, by: 2).compactMap { UInt8(String(text[$0...$0 + 1]), radix: 16) }
    }
}
