import HistoryTestSupport
import Ledger
import Testing

/// What the rules decided, decided again from the events alone.
@Suite("Deciding again what was decided")
struct DecisionReplayTests {
    /// The events of a random history, sealed one after another as a journal seals them.
    private func record(_ theme: RandomHistory.Theme, seed: UInt64, commands: Int) -> [Event] {
        var history = RandomHistory(theme: theme, seed: seed)
        var state = LedgerState()
        var events: [Event] = []
        for _ in 0..<commands {
            let command = history.next()
            perform(command, at: history.now, &state, &events)
        }
        return events
    }

    @discardableResult
    private func perform(
        _ command: Command,
        at moment: Timestamp,
        _ state: inout LedgerState,
        _ events: inout [Event]
    ) -> Verdict {
        let decision = state.perform(command, at: moment)
        for content in decision.events {
            let event = seal(content, after: events.last)
            state.advance(to: event)
            events.append(event)
        }
        return decision.verdict
    }

    private func seal(_ content: EventContent, after last: Event?) -> Event {
        Event(
            sealing: content,
            journal: JournalID(0),
            position: (last?.position ?? 0) + 1,
            sequence: (last?.sequence ?? 0) + 1,
            previousHash: last?.hash
        )
    }

    private func replay(_ events: [Event]) throws(DecisionFinding) -> DecisionReplay {
        var replay = DecisionReplay()
        for event in events { try replay.add(event) }
        try replay.finish()
        return replay
    }

    @Test("every verdict of a random history is reached again", arguments: [UInt64](1...4))
    func random(seed: UInt64) throws {
        for theme in [RandomHistory.Theme.everything, .flood, .money] {
            let events = record(theme, seed: seed, commands: theme == .flood ? 1_500 : 450)
            do {
                let replay = try replay(events)
                #expect(replay.commands > 100)
                #expect(replay.verdicts["admitted"] ?? 0 > 10, "\(replay.verdicts)")
                #expect(replay.verdicts.count > 8, "\(replay.verdicts)")
            } catch {
                Issue.record("\(theme), seed \(seed): \(error)")
            }
        }
    }

    @Test("an attempt whose payment was added by its reference before ends with nothing added, and is decided so again")
    func addedBefore() throws {
        var (state, events) = (LedgerState(), [Event]())
        func pot(_ number: UInt64) -> PotID { PotID(Identifier128(high: 7, low: number)) }
        func end(_ attempt: UInt64) -> Command.Action {
            let paid = EndTopUp.Outcome.paid(amount: Credits(whole: 20), reference: "pi_1", expiresAt: nil)
            return .endTopUp(EndTopUp(attempt: pot(attempt), outcome: paid))
        }
        let addition = AddCredits(
            potID: pot(2),
            kind: .topUp,
            amount: Credits(whole: 20),
            expiresAt: nil,
            externalReference: "pi_1"
        )
        let rules = AutoTopUp.Rules(threshold: Credits(whole: 5), amount: Credits(whole: 20))
        let steps: [(action: Command.Action, verdict: Verdict, events: [EventType])] = [
            (.openAccount(OpenAccount(tier: .business)), .done, [.accountOpened]),
            (.setTopUpRules(rules), .done, [.topUpSet]), (.startTopUp(pot(1)), .done, [.topUpStarted]),
            (.addCredits(addition), .done, [.creditsAdded]), (end(1), .done, [.topUpPaid]),
            (end(1), .alreadyAdded(pot(2)), []), (end(3), .alreadyAdded(pot(2)), []),
        ]
        for (number, step) in steps.enumerated() {
            let command = Command(
                id: CommandID(Identifier128(high: 8, low: UInt64(number))),
                accountID: AccountID(Identifier128(high: 1, low: 1)),
                action: step.action
            )
            let (before, moment) = (events.count, Timestamp(microseconds: 1_800_000_000_000_000 + Int64(number)))
            #expect(perform(command, at: moment, &state, &events) == step.verdict, "step \(number)")
            #expect(events[before...].map(\.content.type) == step.events, "step \(number)")
        }
        #expect(state.topUp?.phase == .idle && state.account?.posted == Credits(whole: 20))
        #expect(try replay(events).commands == 5)
    }

    @Test("a verdict that was turned around, or reached by another rule, is told with its event")
    func turnedAround() throws {
        let events = record(.everything, seed: 3, commands: 450)
        let changes: [(type: EventType, text: String, change: (inout EventContent) -> Void)] = [
            (.creditsHeld, "credits.refused was recorded; the rules give credits.held", Self.refuse),
            (.creditsRefused, "has detail", { $0.detail = Self.replacing("available", "1", in: $0.detail) }),
            (.creditsDebited, "has amount", { $0.amount = $0.amount.map { $0 + Credits(microcredits: 1) } }),
            (.rateLimitCounted, "has detail", { $0.detail = Self.replacing("limit", 999, in: $0.detail) }),
            (.capabilityGranted, "has detail", { $0.detail = Self.replacing("by", "model:*", in: $0.detail) }),
        ]
        for (type, text, change) in changes {
            let index = try #require(events.firstIndex { $0.content.type == type }, "\(type)")
            var changed = events[..<index].map { $0 }
            for event in events[index...] {
                var content = event.content
                if event.sequence == events[index].sequence { change(&content) }
                changed.append(seal(content, after: changed.last))
            }
            do {
                _ = try replay(changed)
                Issue.record("\(type.rawValue) was changed, and nothing was found")
            } catch {
                #expect(error.event.sequence >= events[index].sequence, "\(type): \(error)")
                #expect(error.event.content.commandID == events[index].content.commandID, "\(type): \(error)")
                #expect(error.message.contains(text), "\(type): \(error)")
            }
        }
    }

    @Test("an admission that should have been a refusal is told: the account had less")
    func admittedWithoutCredits() throws {
        let events = record(.money, seed: 5, commands: 300)
        let additions = events.filter { $0.content.type == .creditsAdded }
        let taken = additions[additions.count / 2].sequence
        do {
            // As if those credits had never been added, and the books had been made to fit.
            _ = try replay(events.filter { $0.sequence != taken })
            Issue.record("credits were taken away, and nothing was found")
        } catch {
            #expect(error.event.sequence > taken, "\(error)")
        }
    }

    /// Turns an admission into a refusal for want of credits.
    private static func refuse(_ content: inout EventContent) {
        content.type = .creditsRefused
        (content.holdID, content.amount, content.balanceAfter, content.heldAfter) = (nil, nil, nil, nil)
        content.detail = .object([
            .init("available", .amount(.zero)), .init("required", .amount(Credits(whole: 1))),
        ])
    }

    private static func replacing(_ key: String, _ value: Any, in detail: CanonicalJSON?) -> CanonicalJSON? {
        guard case .object(let members)? = detail else { return detail }
        let new: CanonicalJSON =
            if let number = value as? Int { .integer(Int64(number)) } else { .string("\(value)") }
        return .object(members.map { $0.key == key ? .init(key, new) : $0 })
    }
}
