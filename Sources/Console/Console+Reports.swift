import Hummingbird
import Ledger
import RunAPI

/// Reports: what finance asks, with the figures of `sql/reports`.
extension Console {
    func addReports(to router: Router<APIContext>) {
        page(router, "/console/reports", .money) { _, _, _ in reports() }
        page(router, "/console/reports/:report", .money) { _, request, context in try await report(request, context) }
        page(router, "/console/reports/:report/:file", .money) { _, request, context in
            try await reportFile(request, context)
        }
    }

    private func reports() -> Answer {
        let rows = ReportKind.allCases.map { kind in
            View(["title": kind.title, "summary": kind.summary, "address": "/console/reports/\(kind.rawValue)"])
        }
        return .page("reports", title: "Reports", view: View(["reports": rows.members]))
    }

    private func report(_ request: Request, _ context: APIContext) async throws -> Answer {
        let (kind, question) = try asked(request, context)
        let address = "/console/reports/\(kind.rawValue)"
        var view = View([
            "title": kind.title, "summary": kind.summary, "address": address, "file": kind.file,
            "hasPeriod": kind.hasPeriod ? true : nil, "period": kind.hasPeriod ? question.period : nil,
            "from": question.from ?? "", "until": question.until ?? "", "price": question.priceText ?? "",
            "hasPrice": kind == .revenue ? true : nil, "presets": presets(question, address).members,
            "groupings": groupings(kind, question), "hasGroupings": kind.groupings.isEmpty ? nil : true,
            "sort": question.sort,
            "order": question.isDescending ? "desc" : nil, "isMonths": kind == .months ? true : nil,
        ])
        let heads = try await reader.ask(ReadHeads()).map(\.position)
        let (reading, notices) = await reading(kind.source, heads)
        view.add(notices)
        if let reading {
            var tables = try kind.tables(reading, question)
            for index in tables.indices { Self.sort(&tables[index], question) }
            view.add(View(["tables": tables.map { $0.view(question, address).members }]))
            if kind == .revenue { view.add(try Self.money(reading, question, at: clock())) }
            if kind == .months { view.add(try await monthStatus()) }
        }
        return .page("report", title: kind.title, view: view)
    }

    private func reportFile(_ request: Request, _ context: APIContext) async throws -> Answer {
        let (kind, question) = try asked(request, context)
        let heads = try await reader.ask(ReadHeads()).map(\.position)
        guard let reading = await reading(kind.source, heads).reading else {
            throw ConsoleRefusal.later("The figures are being read. Open the report again in a moment.")
        }
        let name = context.parameters.get("file") ?? ""
        let found = try kind.tables(reading, question).first { $0.id + ".csv" == name }
        guard var table = found else { throw ConsoleRefusal.notFound("The report has no such table.") }
        Self.sort(&table, question)
        let period = kind.hasPeriod ? [question.from, question.until].compactMap { $0 }.map { "-" + $0 }.joined() : ""
        return .file(
            "\(table.id)\(period).csv",
            type: "text/csv; charset=utf-8; header=present",
            text: table.csv
        )
    }

    private func asked(_ request: Request, _ context: APIContext) throws -> (ReportKind, ReportQuestion) {
        guard let kind = ReportKind(rawValue: context.parameters.get("report") ?? "") else {
            throw ConsoleRefusal.notFound("There is no such report.")
        }
        let query = URLForm.members(of: request.uri.query ?? "") ?? [:]
        let question = try ReportQuestion(query, at: clock())
        if let grouping = question.grouping, !kind.groupings.isEmpty, !kind.groupings.contains(grouping) {
            let known = kind.groupings.map(\.rawValue).joined(separator: ", ")
            throw ConsoleRefusal.invalid("by: one of \(known) is needed.")
        }
        return (kind, question)
    }

    /// The latest reading, and what a page has to say of it.
    private func reading(_ source: ReportSource, _ heads: [Int64]) async -> (reading: ReportReading?, notices: View) {
        var reading: ReportReading?
        var members: KeyValuePairs<String, Any?> = [:]
        switch await reportBook.answer(source, heads) {
        case .reading(let latest, let isStale):
            reading = latest
            members = ["isStale": isStale ? true : nil, "isPending": nil, "failure": nil]
        case .pending: members = ["isPending": true, "isStale": nil, "failure": nil]
        case .failed(let text, let earlier):
            reading = earlier
            members = ["failure": text, "isPending": nil, "isStale": nil]
        }
        var view = View(members)
        view.add(
            View([
                "readAt": (reading?.at).map(View.time),
                "readEvents": reading.map { Format.count($0.positions.reduce(0, +)) },
                "readTook": reading.map { Format.span(milliseconds: $0.milliseconds) },
            ])
        )
        return (reading, view)
    }

    private static func sort(_ table: inout ReportTable, _ question: ReportQuestion) {
        guard let sort = question.sort, sort.hasPrefix(table.id + ".") else { return }
        table.sort(by: String(sort.dropFirst(table.id.utf8.count + 1)), isDescending: question.isDescending)
    }

    private func groupings(_ kind: ReportKind, _ question: ReportQuestion) -> [[String: Any]]? {
        guard let first = kind.groupings.first else { return nil }
        return kind.groupings.map { grouping in
            View([
                "value": grouping.rawValue, "name": grouping.name,
                "chosen": grouping == question.grouping ?? first ? true : nil,
            ]).members
        }
    }

    /// Periods that are asked for most.
    private func presets(_ question: ReportQuestion, _ address: String) -> [View] {
        guard let month = CalendarMonth(clock()) else { return [] }
        let before = CalendarMonth(Timestamp(microseconds: month.start.microseconds - 1)) ?? month
        let periods: [(name: String, from: String, until: String)] = [
            ("This month", month.firstDay, month.next.firstDay), ("Last month", before.firstDay, month.firstDay),
            ("This year", "\(month.firstDay.prefix(4))-01-01", "\(month.year + 1)-01-01"), ("All days", "", ""),
        ]
        return periods.map { period in
            let isHere = (question.from ?? "", question.until ?? "") == (period.from, period.until)
            return View([
                "name": period.name, "here": isHere ? true : nil,
                "link": "\(address)?\(question.query(period: (period.from, period.until)))",
            ])
        }
    }

    /// The totals of a period, and its charts.
    private static func money(
        _ reading: ReportReading,
        _ question: ReportQuestion,
        at now: Timestamp
    ) throws(ReportDamage) -> View {
        let total = try RunGroup.total(reading, question)
        let margin = total.margin(at: question.price)
        var series = try RunGroup.groups(reading, question, by: .day)
        var unit = "day"
        // 93: three months of bars that can still be told apart on a phone.
        if series.count > 93 { (series, unit) = (try RunGroup.groups(reading, question, by: .month), "month") }
        var points = series.map { ($0.key.day, $0.group) }
        if unit == "day" { points = Chart.everyDay(points, question, upTo: String(now.rfc3339.prefix(10))) }
        func chart(_ title: String, _ id: String, _ value: (RunGroup) -> Int64) -> [String: Any]? {
            Chart.columns(points.map { ($0.0, value($0.1)) }, title: "\(title) by \(unit)", id: id)?.members
        }
        var charts: [[String: Any]] = []
        if let revenue = chart("Revenue, credits,", "revenue-chart", { $0.charged }) { charts.append(revenue) }
        if question.price != nil,
            let chart = chart("Margin, USD,", "margin-chart", { $0.margin(at: question.price) ?? 0 })
        {
            charts.append(chart)
        }
        return View([
            "cards": [
                card("Runs", "runs", Format.count(total.succeeded), "\(Format.count(total.free)) of them free"),
                card(
                    "Revenue",
                    "revenue",
                    Format.credits(Credits(microcredits: total.charged)),
                    "credits charged for runs"
                ),
                card(
                    "Providers' cost",
                    "cost",
                    Format.dollars(MicroUSD(microdollars: total.cost)),
                    "\(Format.credits(Credits(microcredits: total.absorbed))) credits absorbed"
                ),
                card(
                    "Margin",
                    "margin",
                    margin.map { Format.dollars(MicroUSD(microdollars: $0)) } ?? "\u{2013}",
                    margin == nil ? "say what a credit is worth" : "at $\(question.priceText ?? "") a credit"
                ),
            ], "hasCards": true, "charts": charts.isEmpty ? nil : charts,
        ])
    }

    private static func card(_ name: String, _ id: String, _ figure: String, _ note: String) -> [String: Any] {
        ["name": name, "id": id, "figure": figure, "cardNote": note]
    }
}
