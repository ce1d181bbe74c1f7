import Administration
import Ledger
import LedgerStore
import Registry
import RunAPI

/// Models, verification, and what operators have done.
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

    /// Events at the end of each journal whose hashes are recomputed for the page.
    static let eventsChecked: Int64 = 50

    func verification() async throws -> Answer {
        let heads = try await reader.ask(ReadHeads())
        let faults = try await reader.ask(ReadFenceFaults())
        var rows: [View] = []
        var checked = 0
        var isSound = faults.isEmpty
        for head in heads {
            let tail = try await reader.ask(
                ReadTail(journal: head.journal, head: head.position, limit: Self.eventsChecked)
            )
            let check = ChainCheck(ofJournal: tail)
            var fault = check.fault
            if fault == nil, tail.count != Int(min(head.position, Self.eventsChecked)) {
                fault = "an event up to position \(head.position) is missing"
            }
            checked += check.checked
            isSound = isSound && fault == nil
            rows.append(
                View([
                    "journal": head.journal.description, "position": Format.count(head.position),
                    "hash": head.position > 0 ? head.hash.description : nil,
                    "at": (tail.first?.content.recordedAt).map(View.time),
                    "checked": check.checked > 0 ? Format.count(Int64(check.checked)) : nil, "fault": fault,
                ])
            )
        }
        let view = View([
            "ledger": reader.store.name, "journals": rows.members, "number": String(heads.count),
            "events": Format.count(heads.reduce(0) { $0 + $1.position }), "checked": Format.count(Int64(checked)),
            "isSound": isSound ? true : nil, "fencesStand": faults.isEmpty ? true : nil,
            "faults": faults.map { ["object": $0.object, "fault": $0.fault] },
        ])
        return .page("verification", title: "Verification", view: view)
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
