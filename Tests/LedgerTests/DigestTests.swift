import Ledger
import Testing

@Suite struct DigestTests {
    private static let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @Test("a digest is SHA-256")
    func vectors() {
        #expect(Digest(of: Array("abc".utf8)).description == Self.abc)
        #expect(
            Digest(of: []).description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
    }

    @Test("a digest is read back from its text and its bytes, and from nothing else")
    func reading() throws {
        let digest = Digest(of: Array("abc".utf8))
        #expect(Digest(hexadecimal: Self.abc) == digest)
        #expect(Digest(hexadecimal: Self.abc.uppercased()) == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        #expect(Digest(of: []).base64 == empty && Digest(base64: empty) == Digest(of: []))
        #expect(Digest(base64: digest.base64) == digest)
        // Too short, too long, no padding, another alphabet, and bits that stand for nothing.
        for text in [
            "", "AAAA", empty + "AAAA", String(empty.dropLast()), empty.replacing("+/", with: "-_"),
            empty.replacing("SuFU=", with: "SuFV="), empty.replacing("UFU=", with: "U===") + "=",
        ] {
            #expect(Digest(base64: text) == nil, "\(text)")
        }
        #expect(digest.bytes.first == 0xBA)
        #expect(digest.bytes.last == 0xAD)
        #expect(Digest(bytes: digest.bytes.dropLast()) == nil)
        #expect(Digest(bytes: digest.bytes + [0]) == nil)
        for wrong in ["", String(Self.abc.dropLast()), Self.abc + "0", "g" + Self.abc.dropFirst()] {
            #expect(Digest(hexadecimal: wrong) == nil, "\(wrong)")
        }
    }

    @Test("a sign is no hexadecimal digit", arguments: ["+a", "-0", "0x", " 1"])
    func signs(pair: String) {
        #expect(Digest(hexadecimal: pair + Self.abc.dropFirst(2)) == nil)
    }

    @Test("digests that differ in any byte are different")
    func equality() {
        let digest = Digest(of: [1])
        for index in 0..<32 {
            var bytes = digest.bytes
            bytes[index] ^= 1
            #expect(Digest(bytes: bytes) != digest)
        }
        #expect(Digest.zero.bytes == [UInt8](repeating: 0, count: 32))
    }

    @Test("a journal's head is SHA-256 of 0x02, the head before, and the event's hash")
    func chained() {
        let event = Digest(of: Array("abc".utf8))
        let head = Digest.zero.chained(with: event)
        #expect(head == Digest(of: [0x02] + Digest.zero.bytes + event.bytes))
        #expect(head.chained(with: event) == Digest(of: [0x02] + head.bytes + event.bytes))
        #expect(head != event.chained(with: .zero))
    }
}
