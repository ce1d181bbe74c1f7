import Foundation
import Testing

@testable import Observability

@Suite("A time in a log")
struct TimestampTests {
    @Test("is what Foundation's formatter says, from 1900 to 2400")
    func matchesFoundation() {
        // A step of 12,345,678 s visits every month and hour, and leap days of both kinds of century.
        for seconds in stride(from: -2_208_988_800, to: 13_569_465_600, by: 12_345_678) {
            let expected = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
            let actual = String(decoding: Timestamp.iso8601(unixSeconds: seconds, microseconds: 7), as: UTF8.self)
            #expect(actual == expected.dropLast() + ".000007Z")
        }
    }

    @Test("knows the leap days")
    func leapDays() {
        func day(_ seconds: Int) -> String {
            String(decoding: Timestamp.iso8601(unixSeconds: seconds, microseconds: 999_999), as: UTF8.self)
        }
        #expect(day(951_782_400) == "2000-02-29T00:00:00.999999Z")
        #expect(day(1_709_251_199) == "2024-02-29T23:59:59.999999Z")
        #expect(day(4_107_542_400) == "2100-03-01T00:00:00.999999Z")
    }
}
