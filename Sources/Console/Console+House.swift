import Administration
import Ledger
import LedgerStore
import Registry

/// Models, and what operators have done.
extension Console {
    func models() async throws -> Answer {
        let all = try await desk.allModels()
        let rows = all.map { model -> View in
            let definition = model.definition
            return View([
                "name": definition.internalName, "shown": definition.displayName, "type": definition.type.rawValue,
                "version": String(definition.version), "priceVersion": String(definition.priceVersion),
                "tier": definition.requiredTier.rawValue, "provider": definition.provider.kind.rawValue,
                "price": Self.price(definition.price), "basis": Self.basis(definition.price),
                "async": definition.supportsAsync ? true : nil, "isOff": model.isEnabled ? nil : true,
                "switchedBy": model.isEnabled ? nil : model.latestSwitch?.changedBy,
                "switchedAt": model.isEnabled ? nil : (model.latestSwitch?.changedAt).map(View.time),
                "unresolved": "\(definition.unresolved.action.rawValue) after "
                    + Format.span(milliseconds: Int64(definition.unresolved.holdSeconds) * 1_000),
            ])
        }
        let view = View([
            "models": rows.members, "count": String(all.count), "on": String(all.count { $0.isEnabled }),
            "isEmpty": all.isEmpty ? true : nil,
        ])
        return .page("models", title: "Models", view: view)
    }

    private static func price(_ price: PriceRule) -> String {
        switch price.rates {
        case .units(let rates):
            guard let range = rates.range else { return "none" }
            let low = Format.credits(range.lowerBound)
            return range.lowerBound == range.upperBound ? low : low + "\u{2013}" + Format.credits(range.upperBound)
        case .tokens(let rates):
            return Format.credits(rates.inputPerMillion) + " in, " + Format.credits(rates.outputPerMillion) + " out"
        }
    }

    private static func basis(_ price: PriceRule) -> String {
        switch price.basis {
        case .perCall: "a call"
        case .perImage: "an image"
        case .perSecond: "a second"
        case .perToken: "a million tokens"
        }
    }

    func operatorLog() async throws -> Answer {
        let entries = try await reader.store.operatorLog(limit: 200)
        let rows = entries.map { entry in
            View([
                "at": View.time(entry.recordedAt), "actor": entry.actor, "action": entry.action,
                "subject": entry.subject, "detail": entry.detail,
            ])
        }
        let view = View(["entries": rows.members, "isEmpty": entries.isEmpty ? true : nil])
        return .page("log", title: "Operators' log", view: view)
    }
}
