import Egress
import Testing

@Suite("What addresses are set aside for")
struct AddressClassTests {
    static let table: [(String, AddressClass)] = [
        // The edges of every block of IPv4, from inside and from outside.
        ("0.0.0.0", .unspecified), ("0.255.255.255", .unspecified), ("1.0.0.0", .global),
        ("9.255.255.255", .global), ("10.0.0.0", .privateUse), ("10.255.255.255", .privateUse), ("11.0.0.0", .global),
        ("100.63.255.255", .global), ("100.64.0.0", .carrierShared), ("100.100.100.200", .carrierShared),
        ("100.127.255.255", .carrierShared), ("100.128.0.0", .global),
        ("126.255.255.255", .global), ("127.0.0.1", .loopback), ("127.255.255.255", .loopback), ("128.0.0.0", .global),
        ("168.63.129.15", .global), ("168.63.129.16", .cloudMetadata), ("168.63.129.17", .global),
        ("169.253.255.255", .global), ("169.254.169.254", .linkLocal), ("169.255.0.0", .global),
        ("172.15.255.255", .global), ("172.16.0.0", .privateUse), ("172.31.255.255", .privateUse),
        ("172.32.0.0", .global), ("191.255.255.255", .global), ("192.0.0.192", .reserved), ("192.0.1.0", .global),
        ("192.0.2.1", .documentation), ("192.0.3.0", .global), ("192.88.99.1", .tunnel),
        ("192.167.255.255", .global), ("192.168.0.1", .privateUse), ("192.169.0.0", .global),
        ("198.17.255.255", .global), ("198.18.0.0", .documentation), ("198.19.255.255", .documentation),
        ("198.20.0.0", .global), ("198.51.100.7", .documentation), ("203.0.113.7", .documentation),
        ("223.255.255.255", .global), ("224.0.0.1", .multicast), ("239.255.255.255", .multicast),
        ("240.0.0.0", .reserved), ("255.255.255.255", .reserved), ("8.8.8.8", .global),
        ("::", .unspecified), ("::1", .loopback),
        // Addresses that carry an IPv4 address are what that one is.
        ("::ffff:127.0.0.1", .loopback), ("::ffff:10.1.2.3", .privateUse), ("::ffff:169.254.169.254", .linkLocal),
        ("::ffff:8.8.8.8", .global), ("::127.0.0.1", .loopback), ("::10.0.0.1", .privateUse),
        ("64:ff9b::7f00:1", .loopback), ("64:ff9b::a9fe:a9fe", .linkLocal), ("64:ff9b::808:808", .global),
        ("64:ff9b:1::7f00:1", .tunnel), ("2002:7f00:1::", .tunnel), ("2002:808:808::", .tunnel),
        ("2001::1", .tunnel), ("2001:1ff:ffff::", .tunnel), ("2001:200::1", .global),
        ("2001:db8::1", .documentation), ("3fff:fff::1", .documentation), ("3fff:1000::1", .global),
        ("fc00::1", .privateUse), ("fd00:ec2::254", .privateUse), ("fe80::1", .linkLocal), ("febf::1", .linkLocal),
        ("fec0::1", .privateUse), ("ff02::1", .multicast), ("100::1", .reserved), ("4000::1", .reserved),
        ("5f00::1", .reserved), ("2606:4700:4700::1111", .global), ("2a00:1450:4001:81b::200e", .global),
        ("::ffff:0:7f00:1", .reserved),
    ]

    @Test("Every block, at its edges", arguments: table)
    func classes(text: String, expected: AddressClass) throws {
        let address = try #require(IPAddress(text))
        #expect(address.addressClass == expected)
    }

    @Test(
        "Only the usual forms of an address are read",
        arguments: [
            "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "1.2.3.4.5", "[::1]", "fe80::1%eth0", "1.2.3.04", "",
        ]
    )
    func unusualForms(text: String) { #expect(IPAddress(text) == nil) }

    @Test("An address is written as it is read", arguments: ["127.0.0.1", "::1", "2606:4700:4700::1111", "255.0.0.1"])
    func descriptions(text: String) { #expect(IPAddress(text)?.description == text) }
}
