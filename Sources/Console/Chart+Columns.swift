import Ledger

extension Chart {
    /// A day after another without a gap, from the period's first to its last or today: those that nothing is known of are empty.
    static func everyDay(
        _ points: [(String, RunGroup)],
        _ question: ReportQuestion,
        upTo today: String
    ) -> [(String, RunGroup)] {
        guard let first = points.first?.0, let last = points.last?.0,
            var day = Timestamp(rfc3339: (question.from ?? first) + "T00:00:00Z")
        else { return points }
        let end = question.until.flatMap { Timestamp(rfc3339: $0 + "T00:00:00Z") }.map { lastDay(before: $0) } ?? last
        let known = Dictionary(points) { $1 }
        var all: [(String, RunGroup)] = []
        // 100: a longer period shows the days that it has runs on, or its months.
        while all.count < 100 {
            let text = String(day.rfc3339.prefix(10))
            if text > max(last, min(end, today)) { return all }
            all.append((text, known[text] ?? RunGroup()))
            day = day.adding(seconds: 86_400)
        }
        return points
    }

    private static func lastDay(before moment: Timestamp) -> String {
        String(moment.adding(seconds: -86_400).rfc3339.prefix(10))
    }

    /// Amounts in millionths as columns from a line of zero up and down; nil for none.
    static func columns(_ points: [(label: String, value: Int64)], title: String, id: String) -> View? {
        guard !points.isEmpty else { return nil }
        let top = niceCeiling(Double(max(0, points.map(\.value).max() ?? 0)) / 1_000_000)
        let deepest = Double(min(0, points.map(\.value).min() ?? 0)) / -1_000_000
        let hasTop = points.contains { $0.value > 0 }
        let above = hasTop || deepest == 0 ? top : 0
        let below = deepest > 0 ? niceCeiling(deepest) : 0
        let zero = above / (above + below) * height
        let step = width / Double(points.count)
        let gap = min(4, step / 4)
        let bars = points.enumerated().map { index, point -> View in
            let tall = abs(Double(point.value)) / 1_000_000 / (above + below) * height
            return View([
                "x": number(Double(index) * step + gap / 2), "w": number(step - gap),
                "y": number(point.value < 0 ? zero : zero - tall), "h": number(tall),
                "isBelow": point.value < 0 ? true : nil,
            ])
        }
        let decimals = points.map { ReportCell.credits($0.value).decimals }.max() ?? 0
        let all = points.map { Format.decimal($0.value, decimals) }
        let most = points.max { $0.value < $1.value }
        return View([
            "chartID": id, "chartTitle": title, "width": number(width), "height": number(height), "zero": number(zero),
            "bars": bars.members, "top": axisText(above), "bottom": below > 0 ? "\u{2212}" + axisText(below) : "0",
            "first": points[0].label, "last": points.count > 1 ? points[points.count - 1].label : nil,
            "summary": "\(points.count) in all, the most \(most.map { Format.decimal($0.value, decimals) } ?? "0") on "
                + (most?.label ?? ""),
            "figures": zip(points, all).map { ["label": $0.label, "value": $1] },
        ])
    }
}
