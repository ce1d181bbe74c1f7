/// Where the columns of a file are, as its first line says.
struct InvoiceLayout {
    let columnCount: Int
    private let places: [InvoiceMapping.Field: Place]
    private let skipped: [(place: Place, values: Set<String>)]

    /// A column: its name in the file, and its index.
    private struct Place {
        let name: String
        let index: Int
    }

    /// Reads the first line.
    ///
    /// - Throws: when a column is missing or there twice.
    init(_ heading: CSVRecord, _ mapping: InvoiceMapping) throws(InvoiceError) {
        let names = heading.fields.map(\.trimmed)
        columnCount = names.count
        func find(_ wanted: [String]) throws(InvoiceError) -> Place? {
            for name in wanted {
                let indices = names.indices.filter { names[$0].lowercased() == name.lowercased() }
                guard indices.count < 2 else {
                    throw InvoiceError(line: heading.line, column: name, "the first line names it twice")
                }
                if let index = indices.first { return Place(name: names[index], index: index) }
            }
            return nil
        }
        var places: [InvoiceMapping.Field: Place] = [:]
        for (field, wanted) in mapping.columns { places[field] = try find(wanted) }
        for field in [InvoiceMapping.Field.day, .amount] where places[field] == nil {
            throw InvoiceError(
                line: heading.line,
                column: mapping.names(of: field),
                "it is missing; the mapping \(mapping.name) needs it for the \(field.rawValue)"
            )
        }
        guard places[.request] != nil || places[.model] != nil else {
            let wanted = [mapping.names(of: .request), mapping.names(of: .model)].filter { !$0.isEmpty }
            throw InvoiceError(
                line: heading.line,
                column: wanted.joined(separator: " or "),
                "it is missing; the mapping \(mapping.name) needs it to find runs by"
            )
        }
        self.places = places
        var skipped: [(place: Place, values: Set<String>)] = []
        for (column, values) in mapping.skipped.sorted(by: { $0.key < $1.key }) {
            if let place = try find([column]) { skipped.append((place, values)) }
        }
        self.skipped = skipped
    }

    /// Reads a line; nil for one that is no charge of a run by the provider.
    func line(
        _ record: CSVRecord,
        _ mapping: InvoiceMapping,
        _ provider: String,
        _ currency: Currency?
    ) throws(InvoiceError) -> InvoiceLine? {
        if skipped.contains(where: { $0.values.contains(record.fields[$0.place.index].trimmed) }) { return nil }
        if let name = text(.provider, record), mapping.providerNames[name] ?? name.lowercased() != provider {
            return nil
        }
        let requestID = text(.request, record)
        let model = text(.model, record).map { mapping.models[$0] ?? $0 }
        for (field, value) in [(InvoiceMapping.Field.request, requestID), (.model, model)] {
            guard let value, value.utf8.count > 200 else { continue }
            throw InvoiceError(line: record.line, column: places[field]?.name, "it has more than 200 bytes")
        }
        guard requestID != nil || model != nil else {
            let column = places[.request]?.name ?? places[.model]?.name
            throw InvoiceError(line: record.line, column: column, "the line names neither a request nor a model")
        }
        let written = text(.day, record) ?? ""
        guard let day = Day(reading: written) else {
            throw InvoiceError(
                line: record.line,
                column: places[.day]?.name,
                "`\(written.prefix(40))` is no day, such as 2027-01-31 or 2027-01-31T17:05:00Z"
            )
        }
        return InvoiceLine(
            line: record.line,
            requestID: requestID,
            part: String((text(.part, record) ?? "").prefix(200)),
            day: day,
            model: model,
            billed: try amount(record, mapping, currency)
        )
    }

    private func amount(
        _ record: CSVRecord,
        _ mapping: InvoiceMapping,
        _ currency: Currency?
    ) throws(InvoiceError) -> Int64 {
        let code = text(.currency, record)?.uppercased() ?? mapping.currency
        guard code == "USD" || code == currency?.code else {
            throw InvoiceError(
                line: record.line,
                column: places[.currency]?.name ?? "currency",
                "\(code.prefix(10)) is not USD; state its rate, such as \(Currency.isCode(code) ? code : "EUR")=1.0837"
            )
        }
        let written = text(.amount, record) ?? ""
        let number = written.hasPrefix("$") && code == "USD" ? String(written.dropFirst()) : written
        guard let amount = ExactDecimal(number) else {
            throw InvoiceError(
                line: record.line,
                column: places[.amount]?.name,
                "`\(written.prefix(40))` is no amount; digits and a decimal point are needed, such as 1234.5"
            )
        }
        let rate = code == "USD" ? ExactDecimal.one : currency?.rate ?? .one
        // 10^15: a line of a billion dollars and a sum of a million such lines fit in 64 bits.
        guard let billed = amount.millionths(times: mapping.unit, rate), billed.magnitude <= 1_000_000_000_000_000
        else {
            throw InvoiceError(line: record.line, column: places[.amount]?.name, "it is beyond a billion dollars")
        }
        return billed
    }

    private func text(_ field: InvoiceMapping.Field, _ record: CSVRecord) -> String? {
        guard let place = places[field] else { return nil }
        let text = record.fields[place.index].trimmed
        return text.isEmpty ? nil : text
    }
}

extension String {
    /// Without blanks at both ends.
    fileprivate var trimmed: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
