import Ledger
import Testing

@testable import Reconciliation

/// Invoices' files: what is read of them, and what is said about those that can't be read.
@Suite("Invoice files") struct InvoiceFileTests {
    private static let mapping = """
        columns: {request: id, part: [meter], day: [day, date], model: model, amount: cost, currency: currency}
        skip: {kind: [tax]}
        models: {vendor/painter-2: painter}
        """

    private func read(
        _ text: String,
        mapping: String = mapping,
        rate: String? = nil,
        pieces: Int = 7
    ) throws(InvoiceError) -> Invoice {
        let currency: Currency? = if let rate { try Currency(rate) } else { nil }
        var reader = InvoiceReader(try InvoiceMapping(yaml: mapping, name: "test"), provider: "fal", currency: currency)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try reader.read(bytes[start..<min(start + pieces, bytes.count)])
        }
        return try reader.finish()
    }

    @Test(
        "quotes, line ends of both kinds, a byte order mark, empty lines and pieces of any size",
        arguments: [1, 2, 7, 999]
    )
    func csv(pieces: Int) throws {
        let text =
            "\u{FEFF}cost,ID,model,Date,note\r\n"
            + "\"1.5\",r-1,vendor/painter-2,2027-01-31,\"a, \"\"b\"\"\r\nand c\"\r\n\r\n"
            + " 0.0000015 ,,song,2027-01-31 23:59:59,\n-1e-2,\"r,2\",,1801440000,\"\""
        let invoice = try read(text, pieces: pieces)
        let day = try #require(Day("2027-01-31"))
        let other = try #require(Day("2027-01-31T00:00:00Z".prefix(10)))
        #expect(other == day)
        #expect(
            invoice.lines == [
                InvoiceLine(line: 2, requestID: "r-1", day: day, model: "painter", billed: 1_500_000),
                // Half a millionth is rounded to the even neighbour.
                InvoiceLine(line: 5, requestID: nil, day: day, model: "song", billed: 2),
                InvoiceLine(
                    line: 6,
                    requestID: "r,2",
                    day: try #require(Day("2027-02-01")),
                    model: nil,
                    billed: -10_000
                ),
            ]
        )
        #expect(invoice.billed == 1_490_002 && invoice.days == day...invoice.lines[2].day)
    }

    @Test("lines that are no charges are passed over, and other currencies taken at their stated rate")
    func skipping() throws {
        let text = """
            id,day,cost,currency,kind
            a,2027-01-01,1,USD,usage
            b,2027-01-01,2,USD,tax
            c,2027-01-01,3.3,eur,usage
            """
        let invoice = try read(text, rate: "EUR=1.0837")
        #expect(invoice.lines.map(\.billed) == [1_000_000, 3_576_210] && invoice.skippedCount == 1)
    }

    @Test(
        "what can't be read is refused with line, column and limit",
        arguments: [
            ("", "line 1: the file is empty; its first line must name the columns"),
            ("id,day,cost\n", "the file has no line with a charge of fal"),
            ("id,day\n", "line 1, column cost: it is missing; the mapping test needs it for the amount"),
            ("day,cost\n", "line 1, column id or model: it is missing; the mapping test needs it to find runs by"),
            ("id,day,cost,COST\n", "line 1, column cost: the first line names it twice"),
            ("id,day,cost\na,2027-01-01\n", "line 2: 2 fields, where the first line names 3 columns"),
            (
                "id,day,cost\na,2027-01-01,1.2.3\n",
                "line 2, column cost: `1.2.3` is no amount; digits and a decimal point are needed, such as 1234.5"
            ),
            (
                "id,day,cost\na,2027-01-01,\"1,234\"\n",
                "line 2, column cost: `1,234` is no amount; digits and a decimal point are needed, such as 1234.5"
            ),
            ("id,day,cost\na,2027-01-01,1000000001\n", "line 2, column cost: it is beyond a billion dollars"),
            (
                "id,day,cost\na,2027-01-01,\(String(repeating: "9", count: 31))\n",
                "line 2, column cost: `\(String(repeating: "9", count: 31))` is no amount; "
                    + "digits and a decimal point are needed, such as 1234.5"
            ),
            (
                "id,day,cost\na,31.01.2027,1\n",
                "line 2, column day: `31.01.2027` is no day, such as 2027-01-31 or 2027-01-31T17:05:00Z"
            ),
            (
                "id,day,cost\na,2027-02-30,1\n",
                "line 2, column day: `2027-02-30` is no day, such as 2027-01-31 or 2027-01-31T17:05:00Z"
            ),
            (
                "id,day,cost,currency\na,2027-01-01,1,GBP\n",
                "line 2, column currency: GBP is not USD; state its rate, such as GBP=1.0837"
            ),
            ("id,day,cost,model\n,2027-01-01,1,\n", "line 2, column id: the line names neither a request nor a model"),
            (
                "id,day,cost\n\(String(repeating: "x", count: 201)),2027-01-01,1\n",
                "line 2, column id: it has more than 200 bytes"
            ),
            ("id,day,cost\na,2027-01-01,1\n\"b,2027-01-01,1\n", "line 3: a quote is opened and never closed"),
            (
                "id,day,cost\na\"b,2027-01-01,1\n",
                "line 2: a quote inside a field without quotes; quote the field and double it"
            ),
            ("id,day,cost\n\"a\"b,2027-01-01,1\n", "line 2: something follows a closing quote that is no comma"),
            ("id,day,cost\na,2027\r-01-01,1\n", "line 2: a carriage return that no line feed follows"),
            ("id,day,cost\na\u{0},2027-01-01,1\n", "line 2: a NUL byte: this is no CSV text"),
            (
                "id,day,cost\n\(String(repeating: "x", count: 65_537)),2027-01-01,1\n",
                "line 2: a field of more than 65536 bytes"
            ),
        ]
    )
    func refusals(text: String, message: String) {
        #expect { try read(text) } throws: { "\($0)" == message }
    }

    @Test("a file that is too large is refused before it is read")
    func size() throws {
        var reader = InvoiceReader(try InvoiceMapping(yaml: Self.mapping, name: "test"), provider: "fal", currency: nil)
        #expect {
            try reader.read(repeatElement(UInt8(ascii: "a"), count: InvoiceReader.largestFile + 1))
        } throws: { "\($0)" == "a file has at most 64 MiB" }
    }

    @Test("text that is not UTF-8 is refused")
    func encoding() throws {
        var reader = InvoiceReader(try InvoiceMapping(yaml: Self.mapping, name: "test"), provider: "fal", currency: nil)
        #expect { try reader.read(Array("id,day,cost\n".utf8) + [0x61, 0xFF, 0x2C]) } throws: {
            "\($0)" == "line 2: field 1 is not UTF-8"
        }
    }

    @Test(
        "a mapping that makes no sense is refused with its field",
        arguments: [
            ("columns: {day: d}", "mapping test, columns.amount: it is missing"),
            ("columns: {day: d, amount: a}", "mapping test, columns: a request or a model is needed to find runs by"),
            (
                "columns: {day: d, amount: a, model: m, price: p}",
                "mapping test, columns: price is none of request, part, day, model, amount, currency, provider"
            ),
            (
                "columns: {day: d, amount: [], model: m}",
                "mapping test, columns.amount: a text or a list of texts is needed"
            ),
            ("columns: {day: d, amount: a, model: m}\nunit: 0", "mapping test, unit: a number above zero is needed"),
            (
                "columns: {day: d, amount: a, model: m}\ncurrency: euro",
                "mapping test, currency: three capital letters are needed"
            ),
            (
                "rows: 1",
                "mapping test, rows: there is no such field; those there are: columns, currency, models, providers, skip, unit"
            ),
            ("just text", "mapping test, text: a YAML object is needed"),
        ]
    )
    func mappings(yaml: String, message: String) {
        #expect { try InvoiceMapping(yaml: yaml, name: "test") } throws: { "\($0)" == message }
    }

    @Test("every built-in mapping reads a file of its own columns", arguments: BuiltInRules.mappingNames)
    func builtIn(name: String) throws {
        let mapping = try #require(try BuiltInRules.mapping(named: name))
        let columns = mapping.columns.compactMapValues(\.first)
        let names = InvoiceMapping.Field.allCases.compactMap { columns[$0] }
        let values = InvoiceMapping.Field.allCases.filter { columns[$0] != nil }.map { field in
            switch field {
            case .day: "2027-01-31"
            case .amount: "250000"
            case .currency: mapping.currency
            default: "x"
            }
        }
        let text = names.joined(separator: ",") + "\n" + values.joined(separator: ",") + "\n"
        let currency = mapping.currency == "USD" ? nil : try Currency("\(mapping.currency)=0.1389")
        var reader = InvoiceReader(mapping, provider: name, currency: currency)
        try reader.read(Array(text.utf8))
        let line = try #require(try reader.finish().lines.first)
        // fal counts nano-dollars, Anthropic cents, and Ark yuan.
        let expected: [String: Int64] = ["fal": 250, "anthropic": 2_500_000_000, "ark": 34_725_000_000]
        #expect(line.billed == expected[name] ?? 250_000_000_000)
        #expect(try BuiltInRules.mapping(named: "../\(name)") == nil)
    }

    @Test("a difference exactly at a limit is within it, absolute or relative")
    func tolerance() throws {
        let table = try ToleranceTable("# provider absolute relative\n* 0.000002 0\nfal 0 0.5\n")
        let absolute = table.tolerance(for: "anyone")
        #expect(absolute.accepts(billed: 102, booked: 100) && absolute.accepts(billed: 98, booked: 100))
        #expect(!absolute.accepts(billed: 103, booked: 100) && !absolute.accepts(billed: 97, booked: 100))
        let relative = table.tolerance(for: "fal")
        #expect(relative.accepts(billed: 1_005, booked: 1_000) && relative.accepts(billed: 995, booked: 1_000))
        #expect(!relative.accepts(billed: 1_006, booked: 1_000) && !relative.accepts(billed: 994, booked: 1_000))
        #expect(relative.accepts(billed: 0, booked: 0) && !relative.accepts(billed: 1, booked: 0))
        #expect(!relative.accepts(billed: .max, booked: .min) && relative.accepts(billed: .max, booked: .max))
        for (text, message) in [
            ("fal 0 0", "a rule for the provider * is needed, which all others have"),
            ("* 1", "line 1: a rule is a provider, an amount in USD and percent"),
            ("* 0 0\nfal -1 0", "line 2, column absolute: -1 is no number from 0 to 1000"),
        ] {
            #expect { try ToleranceTable(text) } throws: { "\($0)" == message }
        }
        #expect(try BuiltInRules.tolerances().tolerance(for: "fal").absoluteMicroUSD == 1)
    }
}
