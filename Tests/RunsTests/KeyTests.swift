import Ledger
import RunTestSupport
import Runs
import Testing

@Suite("API keys")
struct KeyTests {
    private static let id = KeyID(Identifier128(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210))

    @Test("a key reads back as the id it was made for")
    func roundTrip() throws {
        for random in [[UInt8](repeating: 0, count: 32), [UInt8](repeating: 255, count: 32), Array(0..<32)] {
            for id in [Self.id, KeyID(Identifier128(high: 0, low: 0)), KeyID(Identifier128(high: .max, low: .max))] {
                let secret = APIKeySecret(keyID: id, random: random)
                #expect(secret.text.hasPrefix("knouds_live_"))
                let digits = secret.text.dropFirst("knouds_live_".count)
                #expect(digits.count == 65)
                #expect(digits.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
                let read = try #require(APIKeySecret(secret.text))
                #expect(read.keyID == id)
                #expect(read.matches(secret.digest))
                #expect(secret.digest == Digest(of: Array(secret.text.utf8)))
            }
        }
    }

    @Test("a key in the documented form is made the same way for good")
    func golden() {
        let secret = APIKeySecret(keyID: Self.id, random: Array(0..<32))
        #expect(secret.text == "knouds_live_026KaDU0qnJRDC4BGoeivBcdvfHcMYiQifWws4X1HYotLhnFs9hzs9hyPjS9epDZf")
    }

    @Test("two keys for one id differ")
    func random() { #expect(APIKeySecret(keyID: Self.id).text != APIKeySecret(keyID: Self.id).text) }

    @Test("a key with any one character changed is another key or none")
    func tampered() throws {
        let secret = APIKeySecret(keyID: Self.id, random: Array(0..<32))
        let characters = Array(secret.text)
        for index in characters.indices {
            for replacement in ["0", "z", "-", "é"] where String(characters[index]) != replacement {
                var changed = characters
                changed[index] = Character(replacement)
                guard let read = APIKeySecret(String(changed)) else { continue }
                #expect(!read.matches(secret.digest))
            }
        }
    }

    @Test(
        "what can't be a key is none",
        arguments: [
            "", "knouds_live_", "knouds_test_" + String(repeating: "0", count: 65),
            "knouds_live_" + String(repeating: "0", count: 64), "knouds_live_" + String(repeating: "0", count: 66),
            "knouds_live_" + String(repeating: "z", count: 65), " knouds_live_" + String(repeating: "0", count: 64),
            "knouds_live_" + String(repeating: "0", count: 64) + "\u{0}",
        ]
    )
    func malformed(_ text: String) { #expect(APIKeySecret(text) == nil) }

    @Test("no way to print a key shows its secret")
    func description() {
        let secret = APIKeySecret(keyID: Self.id, random: Array(0..<32))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(describing: secret), String(reflecting: secret), dumped, "\([secret])"] {
            #expect(!text.contains(secret.text.dropFirst(16).prefix(12)), "\(text)")
        }
    }
}

@Suite("whose key it is")
struct AuthenticatorTests {
    private static func known() -> (ledger: InMemoryLedger, account: SampleAccount, keys: KeyAuthenticator) {
        let ledger = InMemoryLedger()
        return (ledger, SampleAccount(in: ledger), KeyAuthenticator(ledger: ledger))
    }

    @Test("the ledger is asked once for a key, and answers for it from then on")
    func cached() async throws {
        let (ledger, account, keys) = Self.known()
        for _ in 0..<5 { #expect(try await keys.authenticate(account.secret.text) == account.identity) }
        #expect(ledger.keyQuestions == 1)
        ledger.failKeys(.overloaded)
        #expect(try await keys.authenticate(account.secret.text) == account.identity)
    }

    @Test("a missing, malformed or unknown key is nobody's")
    func nobody() async throws {
        let (ledger, account, keys) = Self.known()
        #expect(try await keys.authenticate(nil) == nil)
        #expect(try await keys.authenticate("Bearer " + account.secret.text) == nil)
        #expect(try await keys.authenticate(String(account.secret.text.dropLast())) == nil)
        // What can't be a key is no question for the ledger.
        #expect(ledger.keyQuestions == 0)
        let stranger = APIKeySecret(keyID: KeyID(Identifier128(high: 5, low: 5)))
        #expect(try await keys.authenticate(stranger.text) == nil)
        #expect(ledger.keyQuestions == 1)
    }

    @Test("the right id with another secret is nobody's, before and after the right one was seen")
    func wrongSecret() async throws {
        let (_, account, keys) = Self.known()
        let forged = APIKeySecret(keyID: account.secret.keyID)
        #expect(try await keys.authenticate(forged.text) == nil)
        #expect(try await keys.authenticate(account.secret.text) == account.identity)
        #expect(try await keys.authenticate(forged.text) == nil)
    }

    @Test("a revoked key is nobody's")
    func revoked() async throws {
        let (ledger, account, keys) = Self.known()
        ledger.administer(.revokeKey(account.secret.keyID), of: account.id)
        #expect(try await keys.authenticate(account.secret.text) == nil)
    }

    @Test("a key that the ledger has refused for good is nobody's from then on")
    func noted() async throws {
        let (ledger, account, keys) = Self.known()
        #expect(try await keys.authenticate(account.secret.text) == account.identity)
        ledger.administer(.revokeKey(account.secret.keyID), of: account.id)
        keys.noteRevoked(account.secret.keyID)
        #expect(try await keys.authenticate(account.secret.text) == nil)
        #expect(ledger.keyQuestions == 1)
    }

    @Test("an absent ledger is an error for an unknown key, not a verdict about it")
    func absent() async throws {
        let (ledger, account, keys) = Self.known()
        ledger.failKeys(.unavailable(mayHaveHappened: false, reason: "it is down"))
        await #expect(throws: LedgerFailure.self) { try await keys.authenticate(account.secret.text) }
        ledger.failKeys(nil)
        #expect(try await keys.authenticate(account.secret.text) == account.identity)
    }

    @Test("it remembers no more keys than it is told to")
    func bounded() async throws {
        let ledger = InMemoryLedger()
        let accounts = (0..<3).map { _ in SampleAccount(in: ledger) }
        let keys = KeyAuthenticator(ledger: ledger, capacity: 2)
        for account in accounts + accounts {
            #expect(try await keys.authenticate(account.secret.text) == account.identity)
        }
        #expect(ledger.keyQuestions > 3)
    }
}
