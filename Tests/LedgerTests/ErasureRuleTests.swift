import Ledger
import Testing

/// What the rules say of erasing an account.
@Suite("Erasing an account: rules")
struct ErasureRuleTests {
    private static let account = AccountID(Identifier128(high: 1, low: 1))
    private static let found: [String: Int64] = ["execution_results": 3, "private_texts": 1]

    private static func command(_ number: UInt64, _ action: Command.Action) -> Command {
        Command(
            id: CommandID(Identifier128(high: 2, low: number)),
            accountID: account,
            actor: Actor("operator:ann"),
            action: action
        )
    }

    private static let erasure = Command(
        id: .erasure(of: account),
        accountID: account,
        actor: Actor("operator:ann"),
        action: .eraseAccount(EraseAccount(keyFingerprint: Digest(of: [7]), found: found))
    )

    /// An account with one key in use and one that was revoked.
    private static func opened(_ log: inout [EventContent]) throws -> LedgerState {
        var state = LedgerState()
        var commands: [Command.Action] = [.openAccount(OpenAccount(tier: .business))]
        for number in UInt64(1)...2 {
            let key = IssueKey(
                keyID: KeyID(Identifier128(high: 3, low: number)),
                name: "k",
                secretDigest: Digest(of: [1]),
                capabilities: [try #require(Capability("model:run"))]
            )
            commands.append(.issueKey(key))
        }
        commands.append(.revokeKey(KeyID(Identifier128(high: 3, low: 2))))
        for (number, action) in commands.enumerated() {
            let decision = state.perform(command(UInt64(number), action), at: Timestamp(microseconds: 1_000))
            #expect(decision.verdict == .done)
            log += decision.events
        }
        return state
    }

    @Test("an open account is refused; a closed one loses its keys and is erased once, with a certificate")
    func once() throws {
        var log: [EventContent] = []
        var state = try Self.opened(&log)
        let moment = Timestamp(microseconds: 2_000)
        let refused = state.perform(Self.erasure, at: moment)
        #expect(refused.verdict == .refused(.accountOpen, window: nil) && refused.events.isEmpty)
        #expect(state.perform(Self.command(9, .closeAccount), at: moment).verdict == .done)
        let decision = state.perform(Self.erasure, at: moment)
        #expect(decision.verdict == .done)
        #expect(decision.events.map(\.type) == [.keyRevoked, .accountErased])
        #expect(state.keys.values.allSatisfy { $0.revokedAt != nil })
        let certificate = try #require(decision.events.last)
        #expect(certificate.erasure == EraseAccount(keyFingerprint: Digest(of: [7]), found: Self.found))
        #expect(certificate.detail?["actor"]?.stringValue == "operator:ann")
        let again = state.perform(Self.erasure, at: moment)
        #expect(again.verdict == .alreadyDone && again.events.isEmpty)
    }

    @Test("an account that is erased before it is closed, and one without its certificate, can't be folded")
    func damaged() throws {
        var log: [EventContent] = []
        var state = try Self.opened(&log)
        var event = EventContent(
            .accountErased,
            account: Self.account,
            at: Timestamp(microseconds: 3_000),
            command: .erasure(of: Self.account)
        )
        event.detail = .object([.init("found", .object([]))])
        #expect(throws: FoldError.self) { try state.apply(event) }
        _ = state.perform(Self.command(9, .closeAccount), at: Timestamp(microseconds: 4_000))
        var silent = event
        silent.detail = nil
        #expect(throws: FoldError.self) { try state.apply(silent) }
        #expect(throws: Never.self) { try state.apply(event) }
    }

    @Test("a text that stands for another is known by its form only")
    func marks() {
        let mark = PrivateText.mark(Digest(of: [5]))
        #expect(PrivateText.commitment(in: mark) == Digest(of: [5]))
        for text in ["", "sealed:", "sealed:xyz", String(mark.dropLast()), mark + "0", " " + mark.dropFirst()] {
            #expect(PrivateText.commitment(in: text) == nil, "\(text)")
        }
    }
}
