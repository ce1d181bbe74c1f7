import Ledger
import Operations
import RunAPI
import Testing

@Suite("What operators write")
struct OperatorTextTests {
    @Test(
        "moments are read as they are written",
        arguments: [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
            ("2027-02-28T23:59:59.5Z", "2027-02-28T23:59:59.500000Z"),
            ("2028-02-29T12:00:00+02:00", "2028-02-29T10:00:00.000000Z"),
            ("2027-01-01T00:30:00-01:30", "2027-01-01T02:00:00.000000Z"),
            ("2027-12-31t23:59:59.123456789z", "2027-12-31T23:59:59.123456Z"),
            ("2100-03-01", "2100-03-01T00:00:00.000000Z"),
            ("30d", "1970-01-31T00:00:00.000000Z"),
            ("90m", "1970-01-01T01:30:00.000000Z"),
        ]
    )
    func readsMoments(_ text: String, _ expected: String) throws {
        #expect(try OperatorText.moment(text, now: Timestamp(microseconds: 0)).rfc3339 == expected)
    }

    @Test(
        "what is no moment is refused",
        arguments: [
            "2027-02-29", "2100-02-29T00:00:00Z", "2027-13-01", "2027-01-01T24:00:00Z", "2027-01-01T00:00:00", "0d",
            "d",
            "-3d", "2027-01-01T00:00:00+2:00", "2027-01-01T00:00:00.Z", "1969-12-31T23:59:59Z", "",
        ]
    )
    func refusesMoments(_ text: String) {
        #expect(throws: OperationError.self) { try OperatorText.moment(text, now: Timestamp(microseconds: 0)) }
    }

    @Test("amounts are above zero with at most six decimals")
    func readsAmounts() throws {
        #expect(try OperatorText.amount("0.000001") == Credits(microcredits: 1))
        for text in ["0", "-1", "1e3", "1.0000001", "", "1,5"] {
            #expect(throws: OperationError.self) { try OperatorText.amount(text) }
        }
    }

    @Test("a year's days come back from the text they were written as")
    func roundTrips() throws {
        for day in stride(from: 0 as Int64, through: 60_000, by: 37) {
            let moment = Timestamp(microseconds: day * 86_400_000_000 + 12_345_678)
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
        }
    }
}
