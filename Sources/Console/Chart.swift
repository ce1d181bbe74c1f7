import Ledger

/// Drawings as the numbers that a template puts into SVG: no style attribute, which the policy of contents would refuse.
enum Chart {
    static let width = 720.0
    static let height = 180.0

    /// A number with one decimal, for coordinates.
    static func number(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return tenths.isMultiple(of: 10)
            ? String(tenths / 10) : "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
    }

    /// A balance over time: it steps, since nothing happens between two events.
    ///
    /// - Parameters:
    ///   - points: in order of time, at least one.
    ///   - mark: the sequence that is looked at.
    static func balance(_ points: [SampleBalances.Point], mark: Int64, end: Timestamp) -> View? {
        guard let first = points.first, let last = points.last else { return nil }
        let start = Double(first.at.microseconds)
        let span = max(1, Double(max(end, last.at).microseconds) - start)
        let most = niceCeiling(points.map { Double($0.balance.microcredits) / 1_000_000 }.max() ?? 0)
        func x(_ moment: Timestamp) -> Double { (Double(moment.microseconds) - start) / span * width }
        func y(_ amount: Credits) -> Double { height - Double(amount.microcredits) / 1_000_000 / most * height }
        var line = "M\(number(x(first.at))) \(number(y(first.balance)))"
        var held = "M\(number(x(first.at))) \(number(y(first.held)))"
        for point in points.dropFirst() {
            line += "H\(number(x(point.at)))V\(number(y(point.balance)))"
            held += "H\(number(x(point.at)))V\(number(y(point.held)))"
        }
        line += "H\(number(width))"
        held += "H\(number(width))"
        let marked = points.last { $0.sequence <= mark } ?? first
        return View([
            "width": number(width), "height": number(height), "line": line, "held": held,
            "area": line + "V\(number(height))H0Z", "markX": number(x(marked.at)), "markY": number(y(marked.balance)),
            "top": axisText(most), "middle": axisText(most / 2), "half": number(height / 2),
            "from": Format.moment(first.at), "to": Format.moment(max(end, last.at)),
            "summary": "\(Format.credits(first.balance)) credits at first, \(Format.credits(last.balance)) at last, "
                + "\(Format.credits(points.map(\.balance).max() ?? .zero)) at most",
        ])
    }

    /// The hours of a day as stacked bars.
    static func hours(_ hours: [DaySheet.Hour], now: Int) -> View {
        let most = max(1, hours.map { $0.succeeded + $0.failed + $0.refused }.max() ?? 1)
        let ceiling = niceCeiling(Double(most))
        let step = width / 24
        let bars = hours.enumerated().map { index, hour -> View in
            func tall(_ number: Int64) -> Double { Double(number) / ceiling * height }
            let (good, bad, refused) = (tall(hour.succeeded), tall(hour.failed), tall(hour.refused))
            return View([
                "x": number(Double(index) * step + 2), "w": number(step - 4),
                "goodY": number(height - good), "goodH": number(good),
                "badY": number(height - good - bad), "badH": number(bad),
                "refusedY": number(height - good - bad - refused), "refusedH": number(refused),
                "hour": "\(index < 10 ? "0" : "")\(index):00", "succeeded": Format.count(hour.succeeded),
                "failed": Format.count(hour.failed), "refused": Format.count(hour.refused),
                "isNow": index == now ? true : nil,
            ])
        }
        return View([
            "width": number(width), "height": number(height), "bars": bars.members, "top": axisText(ceiling),
            "middle": axisText(ceiling / 2), "half": number(height / 2),
            "rows": bars.filter {
                (
                    $0.members["succeeded"] as? String, $0.members["failed"] as? String,
                    $0.members["refused"] as? String
                ) != ("0", "0", "0")
            }.members,
        ])
    }

    /// The next of 1, 2, 5 times a power of ten.
    static func niceCeiling(_ value: Double) -> Double {
        guard value > 0 else { return 1 }
        var power = 0.000_001
        while power * 10 <= value { power *= 10 }
        for factor in [1.0, 2, 5, 10] where power * factor >= value { return power * factor }
        return power * 10
    }

    static func axisText(_ value: Double) -> String {
        value >= 1 && value == value.rounded()
            ? Format.count(Int64(value)) : Credits(microcredits: Int64(value * 1_000_000)).description
    }
}
