import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

/// Lets a ledger and naive accounts answer the same random wishes, and compares every answer and every balance.
///
/// A round gives some wishes at once. In which order the ledger decided them is read from its log; what left no event must
/// have been answered as the naive account would have at some point of that order. That an expired hold was ended is the
/// ledger's choice, and read from the log too; that it was expired, and that no refusal was due to one, is checked.
struct Machine {
    let store: LedgerStore
    let clock: TestClock
    private var seed: Seed
    private var maker: WishMaker
    private(set) var tenants: [ModelTenant] = []
    private(set) var stepCount = 0
    private(set) var answers: [String: Int] = [:]

    /// Something differed; the seed was printed when the run began.
    struct Difference: Error, CustomStringConvertible {
        let description: String
    }

    init(_ store: LedgerStore, _ clock: TestClock, _ seed: Seed, tenantCount: Int) async throws {
        self.store = store
        self.clock = clock
        self.seed = seed
        self.maker = WishMaker(self.seed.fork())
        for _ in 0..<tenantCount { tenants.append(try await openTenant()) }
    }

    private mutating func openTenant() async throws -> ModelTenant {
        let account = AccountID(identifier(in: JournalID(0)))
        let journal = store.journal(of: account)
        let key = KeyID(identifier(in: journal))
        let tier = Int.random(in: 3...4, using: &seed)
        let capability = try #require(Capability("model:run"))
        let issue = IssueKey(keyID: key, name: "model", secretDigest: Digest(of: []), capabilities: [capability])
        let opening = OpenAccount(tier: tier == 3 ? .business : .enterprise)
        for action in [Command.Action.openAccount(opening), .issueKey(issue)] {
            try await store.succeed(
                Command(id: CommandID(identifier(in: journal)), accountID: account, action: action)
            )
        }
        return ModelTenant(account: account, journal: journal, key: key, naive: NaiveAccount(tier: tier), sequence: 2)
    }

    private mutating func identifier(in journal: JournalID) -> Identifier128 {
        Identifier128(unixMilliseconds: 1_800_000_000_000, journal: journal, random: seed.next())
    }

    /// Moves the clock, never to where something expires just then: an event is recorded some microseconds later.
    private mutating func moveClock(forWishes count: Int) {
        guard Bool.random(using: &seed) else { return }
        let most = 4_000_000 * Int64(min(count, 15))
        clock.advance(microseconds: Int64.random(in: 1...most, using: &seed))
        let expiries = tenants.flatMap(\.naive.expiries)
        while true {
            let now = clock.now.microseconds
            let margin: Int64 = 100_000
            let nearMinute = now % 60_000_000 < margin || now % 60_000_000 > 60_000_000 - margin
            guard nearMinute || expiries.contains(where: { abs($0 - now) < margin }) else { return }
            clock.advance(microseconds: 2 * margin)
        }
    }

    /// One round of wishes at once, from a few accounts.
    mutating func round(of size: Int) async throws {
        moveClock(forWishes: size)
        let chosen = (0..<min(4, size)).map { _ in Int.random(in: tenants.indices, using: &seed) }
        var wishes: [(tenant: Int, wish: Wish)] = []
        for _ in 0..<size {
            let index = chosen.randomElement(using: &seed) ?? 0
            let journal = tenants[index].journal
            let wish = maker.next(for: tenants[index], at: clock.now.microseconds) { seed in
                Identifier128(unixMilliseconds: 1_800_000_000_000, journal: journal, random: seed.next()).description
            }
            // The same wish twice in a round is two commands of one id, which the log can't tell apart.
            if !wishes.contains(where: { $0.wish.id == wish.id }) { wishes.append((index, wish)) }
        }
        try await play(wishes)
        for index in Set(chosen).sorted() where tenants[index].naive.isClosed {
            tenants[index] = try await openTenant()
        }
    }

    /// More requests in one minute than a Business account may make: most of them are not even asking for a good run.
    mutating func flood() async throws {
        guard let index = tenants.indices.first(where: { tenants[$0].naive.tier == 3 && tenants[$0].naive.isApproved })
        else { return }
        let journal = tenants[index].journal
        let wishes = (0..<1_050).map { number in
            let kind = Wish.Kind.run(
                id: identifier(in: journal).description,
                model: "painter",
                quote: 300_000,
                lasts: 60,
                isCharged: false,
                fault: number.isMultiple(of: 50) ? nil : .invalidInputs
            )
            return (tenant: index, wish: Wish(id: identifier(in: journal).description, kind: kind))
        }
        try await play(wishes)
    }

    private mutating func play(_ wishes: [(tenant: Int, wish: Wish)]) async throws {
        let now = clock.now.microseconds
        let commands = wishes.map { entry in
            let journal = tenants[entry.tenant].journal
            let request = RequestID(identifier(in: journal))
            return Translation.command(entry.wish, of: tenants[entry.tenant], requestID: request)
        }
        let verdicts = try await store.submitAtOnce(commands).map { Answer.text($0) }
        stepCount += wishes.count
        for answer in verdicts { answers[String(answer.prefix { $0.isLetter || $0 == "_" }), default: 0] += 1 }
        for index in Set(wishes.map(\.tenant)).sorted() {
            let own = zip(wishes, verdicts).filter { $0.0.tenant == index }.map { Given(wish: $0.0.wish, answer: $0.1) }
            try await compare(own, index, now)
            for given in own { remember(given, index) }
        }
    }

    private struct Given {
        let wish: Wish
        let answer: String
    }

    private mutating func compare(_ own: [Given], _ index: Int, _ now: Int64) async throws {
        let given = Dictionary(own.map { ($0.wish.id, $0) }) { first, _ in first }
        let events = try await newEvents(of: index)
        var prefixes = [tenants[index].naive]
        var seen: Set<String> = []
        for event in events where seen.insert(event.content.commandID.description).inserted {
            let id = event.content.commandID.description
            guard let next = given[id] else { throw Difference(description: "an event of no wish: \(event)") }
            let endings = events.filter { $0.content.commandID.description == id && $0.isByPolicy }
            try answer(next, endings.compactMap { $0.content.executionID?.description }, index, now)
            prefixes.append(tenants[index].naive)
        }
        for quiet in own where !seen.contains(quiet.wish.id) {
            let isPossible = prefixes.reversed().contains { naive in
                var naive = naive
                return naive.answer(quiet.wish, at: now) == quiet.answer
            }
            guard isPossible else {
                throw Difference(description: "\(quiet.wish) was answered \(quiet.answer), without an event")
            }
        }
        try await compareState(index, own.map(\.wish), now)
    }

    private mutating func newEvents(of index: Int) async throws -> [Event] {
        var all: [Event] = []
        while true {
            let page = try await store.events(of: tenants[index].account, after: tenants[index].sequence)
            all += page
            tenants[index].sequence = page.last?.sequence ?? tenants[index].sequence
            if page.count < 1_000 { return all }
        }
    }

    private mutating func answer(_ given: Given, _ endings: [String], _ index: Int, _ now: Int64) throws {
        if given.wish.needsWhatHoldsHold {
            for run in endings {
                guard let known = tenants[index].naive.runs[run], known.isOpen, known.expires <= now else {
                    throw Difference(description: "\(run) was ended before its hold expired")
                }
                tenants[index].naive.endByPolicy(run)
            }
        }
        var withoutExpired = tenants[index].naive
        let expected = tenants[index].naive.answer(given.wish, at: now)
        guard expected == given.answer else {
            throw Difference(description: "\(given.wish) was answered \(given.answer), expected \(expected)")
        }
        let isRefused = !expected.hasPrefix("admitted") && !expected.hasPrefix("done")
        guard given.wish.needsWhatHoldsHold, isRefused else { return }
        withoutExpired.endExpiredRuns(now)
        let fair = withoutExpired.answer(given.wish, at: now)
        guard fair == given.answer else {
            throw Difference(description: "\(given.wish) was answered \(given.answer), due to expired holds: \(fair)")
        }
    }

    private mutating func remember(_ given: Given, _ index: Int) {
        switch given.wish.kind {
        case .run(let id, _, _, _, _, _) where given.answer.hasPrefix("admitted"):
            if !tenants[index].runs.contains(id) { tenants[index].runs.append(id) }
        case .add(let pot, _, _, _) where given.answer == "done": tenants[index].pots.append(pot)
        case .buy(let pot, _, _) where given.answer == "done": tenants[index].pots.append(pot)
        case .renew(let pot, _, _, _) where given.answer == "done": tenants[index].pots.append(pot)
        case .giveRuns(let grant, _, _, _) where given.answer == "done": tenants[index].grants.append(grant)
        case .giveTime(let grant, _, _, _) where given.answer == "done": tenants[index].grants.append(grant)
        default: break
        }
        if tenants[index].naive.doneWishes.contains(given.wish.id) { tenants[index].doneWishes.append(given.wish) }
    }
}

extension Event {
    fileprivate var isByPolicy: Bool { content.detail?["by"]?.stringValue == "policy" }
}
