import Ledger
import LedgerStore

extension Console {
    func overview(_ visitor: Visitor) async throws -> Answer {
        let sheet = dayBook.sheet
        let seesMoney = visitor.role.maySee(.money)
        let counts = try await reader.ask(CountOpenRuns()).first
        let unresolved = try await reader.ask(ListOpenRuns(status: .unresolved, limit: 10))
        let heads = try await reader.ask(ReadHeads())
        let faults = try await reader.ask(ReadFenceFaults())
        let ended = sheet.succeeded + sheet.failed + sheet.cancelled
        let hour = Int((clock().microseconds - sheet.day.lowerBound.microseconds) / 3_600_000_000)
        let providerCost = sheet.models.values.reduce(MicroUSD.zero) { $0 + $1.providerCost }
        let view = View([
            "ledger": reader.store.name, "day": String(sheet.day.lowerBound.rfc3339.prefix(10)),
            "completeAt": sheet.completeAt.map(View.time), "isBehind": sheet.completeAt == nil ? true : nil,
            "admitted": Format.count(sheet.admitted), "succeeded": Format.count(sheet.succeeded),
            "failed": Format.count(sheet.failed), "ended": Format.count(ended),
            "cancelled": sheet.cancelled > 0 ? Format.count(sheet.cancelled) : nil,
            "refused": Format.count(sheet.refused), "refusals": Self.refusals(of: sheet),
            "money": seesMoney
                ? View([
                    "revenue": Format.credits(sheet.revenue), "added": Format.credits(sheet.added),
                    "providerCost": Format.dollars(providerCost),
                ]).members : nil,
            "open": Format.count(counts?.open ?? 0), "held": Format.inWords(counts?.held ?? .zero),
            "overdue": (counts?.overdue ?? 0) > 0 ? Format.count(counts?.overdue ?? 0) : nil,
            "unresolved": Format.count(counts?.unresolved ?? 0),
            "isUnresolved": unresolved.isEmpty ? nil : true, "unresolvedRuns": unresolved.map { $0.row().members },
            "events": Format.count(heads.reduce(0) { $0 + $1.position }), "journals": String(heads.count),
            "fencesStand": faults.isEmpty ? true : nil,
            "faults": faults.isEmpty ? nil : Format.count(Int64(faults.count)),
            "chart": Chart.hours(sheet.hours, now: hour).members,
            "models": Self.modelRows(of: sheet, seesMoney: seesMoney), "seesMoney": seesMoney ? true : nil,
            "hasModels": sheet.models.isEmpty ? nil : true,
        ])
        return .page("overview", title: "Overview", view: view)
    }

    private static func refusals(of sheet: DaySheet) -> [[String: Any]]? {
        guard !sheet.refusals.isEmpty else { return nil }
        let most = Double(sheet.refusals.values.max() ?? 1)
        return sheet.refusals.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { code, number in
            View([
                "code": code, "number": Format.count(number), "width": Chart.number(Double(number) / most * 100),
            ]).members
        }
    }

    private static func modelRows(of sheet: DaySheet, seesMoney: Bool) -> [[String: Any]] {
        let sorted = sheet.models.sorted {
            ($1.value.revenue, $1.value.succeeded, $0.key) < ($0.value.revenue, $0.value.succeeded, $1.key)
        }
        return sorted.prefix(50).map { name, model in
            View([
                "name": name, "succeeded": Format.count(model.succeeded), "failed": Format.count(model.failed),
                "isFailing": model.failed > 0 ? true : nil,
                "money": seesMoney
                    ? View([
                        "revenue": Format.credits(model.revenue), "providerCost": Format.dollars(model.providerCost),
                        "absorbed": model.absorbed.isPositive ? Format.credits(model.absorbed) : nil,
                    ]).members : nil,
            ]).members
        }
    }
}

extension ListOpenRuns.Line {
    /// A run under way as a row.
    func row() -> View {
        View([
            "account": account.description, "accountShort": Format.short(account), "run": run.description,
            "runShort": Format.short(run), "model": model, "status": status,
            "held": held.isPositive ? Format.credits(held) : nil, "at": View.time(admittedAt),
            "expires": View.time(expiresAt),
        ])
    }
}
