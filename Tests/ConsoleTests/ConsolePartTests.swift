import Ledger
import LedgerStore
import Registry
import Testing

@testable import Console

/// What the console is made of, without a browser and without a database.
@Suite("the console's parts")
struct ConsolePartTests {
    private let sealer: SessionSealer

    init() throws { sealer = try #require(SessionSealer(secret: String(repeating: "s", count: 32))) }

    @Test("a session opens under its own secret until its time is over, and not when a character of it was changed")
    func sessions() throws {
        #expect(SessionSealer(secret: String(repeating: "s", count: 31)) == nil)
        let session = ConsoleSession(
            token: Digest(of: [1]),
            expiresAtSeconds: 1_000,
            nonce: Array(0..<16),
            place: 1 << 40
        )
        let text = try #require(sealer.seal(session))
        #expect(sealer.open(text, at: Timestamp(microseconds: 999_999_999)) == session)
        #expect(sealer.open(text, at: Timestamp(microseconds: 1_000_000_000)) == nil)
        // What the operators' log says of it can't be turned back into its cookie.
        #expect(session.name.count == 32 && !text.contains(session.name))
        let other = try #require(SessionSealer(secret: String(repeating: "t", count: 32)))
        #expect(other.open(text, at: Timestamp(microseconds: 0)) == nil)
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "Q" : "A")
            #expect(sealer.open(changed, at: Timestamp(microseconds: 0)) == nil)
        }
        for odd in ["", "A", String(repeating: "A", count: 300), "é", text + "A"] {
            #expect(sealer.open(odd, at: Timestamp(microseconds: 0)) == nil)
        }
    }

    @Test("a form's token is good for one session and one use")
    func formTokens() {
        let token = sealer.formToken([1], for: "session")
        #expect(sealer.isFormToken(token, of: [1], for: "session"))
        #expect(!sealer.isFormToken(token, of: [2], for: "session"))
        #expect(!sealer.isFormToken(token, of: [1], for: "sign-in"))
        #expect(!sealer.isFormToken("", of: [1], for: "session"))
    }

    @Test("bytes of every length survive base 64", arguments: 0..<70)
    func base64(count: Int) {
        let bytes = SessionSealer.random(count)
        #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
    }

    @Test(
        "the sixth wrong token of an address within a minute waits, another address does not, and the next minute is new"
    )
    func throttle() {
        let throttle = SignInThrottle()
        for _ in 0..<5 {
            #expect(throttle.secondsToWait(of: "a", atSeconds: 70) == nil)
            throttle.failed("a", atSeconds: 70)
        }
        #expect(throttle.secondsToWait(of: "a", atSeconds: 75) == 45)
        #expect(throttle.secondsToWait(of: "b", atSeconds: 75) == nil)
        #expect(throttle.secondsToWait(of: "a", atSeconds: 120) == nil)
        for number in 0..<100 { throttle.failed("\(number)", atSeconds: 130) }
        #expect(throttle.secondsToWait(of: "new", atSeconds: 130) == 50)
    }

    @Test(
        "signing in leads to a page of the console and nowhere else",
        arguments: [
            ("/console/accounts?q=a", "/console/accounts?q=a"), ("/console", "/console"),
            ("//evil.example", "/console"),
            ("/consolex", "/console"), ("https://evil.example/console", "/console"), ("/console/\\evil", "/console"),
            ("/console/\r\nSet-Cookie: a=b", "/console"),
        ]
    )
    func next(asked: String, given: String) { #expect(Console.next(asked) == given) }

    @Test("the beginning of an id names a range of accounts, and other texts none")
    func prefixes() throws {
        let range = try #require(Console.accounts(beginningWith: "0198e0ae-7"))
        #expect("\(range.lowerBound)" == "0198e0ae-7000-0000-0000-000000000000")
        #expect("\(range.upperBound)" == "0198e0ae-7fff-ffff-ffff-ffffffffffff")
        #expect(Console.accounts(beginningWith: "order 12") == nil)
        #expect(Console.accounts(beginningWith: String(repeating: "0", count: 33)) == nil)
    }

    @Test("a form's members are decoded, and what is not UTF-8 is refused")
    func forms() {
        #expect(URLForm.members(of: "a=1+2%2B3&b=&c=%C3%A9") == ["a": "1 2+3", "b": "", "c": "é"])
        #expect(URLForm.members(of: "a=%ff") == nil && URLForm.members(of: "a=%f") == nil)
        #expect("a b/é?&=".percentEncoded == "a%20b%2F%C3%A9%3F%26%3D")
    }

    @Test("each role sees its own part")
    func roles() {
        #expect(ConsoleRole(of: .finance, isAuditor: false) == .finance)
        #expect(ConsoleRole(of: .finance, isAuditor: true) == .auditor)
        // To be named an auditor takes nothing from an administrator and gives nothing to support.
        #expect(ConsoleRole(of: .admin, isAuditor: true) == .admin)
        #expect(ConsoleRole(of: .support, isAuditor: true) == .operator)
        #expect(ConsoleRole.allCases.filter { $0.maySee(.money) } == [.finance, .auditor, .admin])
        #expect(ConsoleRole.allCases.filter { $0.maySee(.operatorLog) } == [.auditor, .admin])
    }

    @Test("a day is counted by code, hour and model, and goes from midnight to midnight in UTC")
    func day() {
        var sheet = DaySheet(at: Timestamp(microseconds: 2 * 86_400_000_000 - 1))
        #expect(sheet.day == Timestamp(microseconds: 86_400_000_000)..<Timestamp(microseconds: 2 * 86_400_000_000))
        func add(_ type: EventType, _ number: Int64, code: String? = nil, amount: Int64 = 0, cost: Int64 = 0) {
            sheet.add(
                CountEvents.Group(
                    type: type,
                    hour: 23,
                    model: code == nil ? "m" : nil,
                    code: code,
                    number: number,
                    amount: Credits(whole: amount),
                    providerCost: MicroUSD(microdollars: cost)
                )
            )
        }
        add(.executionSucceeded, 3, cost: 70)
        add(.executionSucceeded, 1, cost: 30)
        add(.executionFailed, 2)
        add(.creditsDebited, 4, amount: 9)
        add(.costAbsorbed, 1, amount: 5)
        add(.rateLimitExceeded, 40, code: "RATE_LIMIT_EXCEEDED")
        add(.creditsRefused, 2, code: "INSUFFICIENT_CREDITS")
        #expect(sheet.refusals == ["RATE_LIMIT_EXCEEDED": 40, "INSUFFICIENT_CREDITS": 2] && sheet.refused == 42)
        #expect(sheet.succeeded == 4 && sheet.failed == 2 && sheet.revenue == Credits(whole: 9))
        let model = DaySheet.Model(
            succeeded: 4,
            failed: 2,
            revenue: Credits(whole: 9),
            providerCost: MicroUSD(microdollars: 100),
            absorbed: Credits(whole: 5)
        )
        #expect(sheet.models == ["m": model])
        #expect(
            sheet.hours[23] == DaySheet.Hour(succeeded: 4, failed: 2, refused: 42) && sheet.hours[22] == DaySheet.Hour()
        )
    }

    @Test("numbers and charts are exact")
    func numbers() throws {
        #expect(Format.count(1_234_567) == "1\u{202F}234\u{202F}567" && Format.count(-12) == "\u{2212}12")
        #expect(Format.credits(Credits(microcredits: -1_500_000_001)) == "\u{2212}1\u{202F}500.000001")
        #expect(Format.span(milliseconds: 61_500) == "1 min 1 s")
        #expect([0, 1, 1.1, 7, 0.03].map(Chart.niceCeiling) == [1, 1, 2, 10, 0.05])
        let points = [(1, 0, 0), (2, 10, 100), (3, 20, 50)].map { sequence, at, balance in
            SampleBalances.Point(
                sequence: Int64(sequence),
                at: Timestamp(microseconds: Int64(at)),
                balance: Credits(whole: Int64(balance)),
                held: .zero
            )
        }
        let chart = try #require(Chart.balance(points, mark: 2, end: Timestamp(microseconds: 20)))
        #expect(chart.members["line"] as? String == "M0 180H360V0H720V90H720")
        #expect(chart.members["markX"] as? String == "360" && chart.members["markY"] as? String == "0")
        #expect(Chart.balance([], mark: 1, end: Timestamp(microseconds: 0)) == nil)
    }
}
