import Egress
import Testing

@Suite("URLs that others name")
struct EgressURLTests {
    @Test(
        "Forms that every parser reads alike",
        arguments: [
            ("http://Example.COM", "http://example.com/"), ("HTTPS://example.com:443/a?b#c", "https://example.com/a?b"),
            ("http://example.com:8080?x=1", "http://example.com:8080/?x=1"), ("http://1.2.3.4/x", "http://1.2.3.4/x"),
            ("http://[2606:4700::1111]:81/", "http://[2606:4700::1111]:81/"),
            ("http://a_b.example.com./", "http://a_b.example.com/"),
            ("https://example.com/a/../b%20c", "https://example.com/a/../b%20c"),
        ]
    )
    func taken(text: String, expected: String) throws { #expect(try EgressURL(text).description == expected) }

    @Test(
        "Forms that are refused, and why",
        arguments: [
            ("example.com/a", "scheme"), ("ftp://example.com/", "http"), ("file:///etc/passwd", "http"),
            ("gopher://127.0.0.1:70/", "http"), ("http://user@example.com/", "user"),
            ("http://example.com:80@127.0.0.1/", "user"), ("http://127.0.0.1\\@example.com/", "backslash"),
            ("http://exa mple.com/", "blank"), ("http://example.com/\r\nHost: x", "blank"),
            ("http://münchen.de/", "ASCII"),
            ("http://2130706433/", "unusual"), ("http://127.1/", "unusual"), ("http://0x7f000001/", "unusual"),
            ("http://0177.0.0.1/", "unusual"), ("http://::1/", "read"), ("http://[::1/", "closed"),
            ("http://[127.0.0.1]/", "brackets"), ("http://[fe80::1%25eth0]/", "brackets"), ("http://[::1]x/", "read"),
            ("http:///path", "host"), ("http://exam%70le.com/", "DNS name"), ("http://a..b/", "DNS name"),
            ("http://example.com:0/", "port"), ("http://example.com:65536/", "port"), ("http://example.com:/", "port"),
            ("http://example.com:+80/", "port"), ("http://" + String(repeating: "a", count: 64) + ".com/", "DNS name"),
            ("http://example.com/" + String(repeating: "a", count: 8_192), "8192"),
        ]
    )
    func refused(text: String, word: String) {
        let error = #expect(throws: EgressError.self) { _ = try EgressURL(text) }
        #expect(error?.code == .badURL)
        #expect(error?.reason.contains(word) == true, "\(error?.reason ?? "")")
        #expect(error?.isTransient == false)
    }
}

@Suite("The egress policy")
struct EgressPolicyTests {
    private func check(_ url: String, _ addresses: [String], _ policy: EgressPolicy) -> EgressError.Code? {
        do {
            try policy.check(EgressURL(url), addresses.compactMap { IPAddress($0) })
            return nil
        } catch {
            return error.code
        }
    }

    @Test("Public addresses at the usual ports, nothing else")
    func standard() {
        let policy = EgressPolicy()
        #expect(check("https://example.com/", ["93.184.216.34"], policy) == nil)
        #expect(check("http://example.com/", ["93.184.216.34", "2606:4700::1111"], policy) == nil)
        #expect(check("https://example.com:8443/", ["93.184.216.34"], policy) == .portRefused)
        #expect(check("https://example.com/", ["127.0.0.1"], policy) == .addressRefused)
        // One bad address among good ones spoils the name.
        #expect(check("https://example.com/", ["93.184.216.34", "10.0.0.1"], policy) == .addressRefused)
        #expect(check("https://example.com/", [], policy) == .unresolvable)
    }

    @Test("Loopback needs the explicit setting, and gets no further than loopback")
    func loopback() {
        #expect(check("http://localhost:9000/", ["127.0.0.1", "::1"], .withLoopback) == nil)
        #expect(check("http://example.com:9000/", ["93.184.216.34"], .withLoopback) == .portRefused)
        #expect(check("http://example.com/", ["192.168.1.1"], .withLoopback) == .addressRefused)
        #expect(check("http://example.com/", ["169.254.169.254"], .withLoopback) == .addressRefused)
        #expect(check("http://example.com:9000/", ["127.0.0.1", "93.184.216.34"], .withLoopback) == .portRefused)
    }

    @Test("A host and port that the operator names are reached at any address, others on that host are not")
    func trustedOrigins() {
        var policy = EgressPolicy()
        policy.trustedOrigins = ["simulator:9090"]
        #expect(check("http://Simulator:9090/x.png", ["172.18.0.3"], policy) == nil)
        #expect(check("http://simulator:5432/", ["172.18.0.3"], policy) == .addressRefused)
        #expect(check("http://other:9090/", ["172.18.0.3"], policy) == .addressRefused)
        policy.schemes = ["https"]
        #expect(check("http://simulator:9090/", ["172.18.0.3"], policy) == .schemeRefused)
    }

    @Test("A policy may take https only")
    func schemes() {
        var policy = EgressPolicy()
        policy.schemes = ["https"]
        #expect(check("http://example.com/", ["93.184.216.34"], policy) == .schemeRefused)
    }
}
