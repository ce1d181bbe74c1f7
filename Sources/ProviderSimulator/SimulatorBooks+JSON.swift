internal import Registry

extension SimulatorBooks {
    /// How often each outcome came, and whether anything was asked for twice.
    func count() -> JSONValue {
        let (runs, pollCount) = all()
        return Self.count(runs, pollCount: pollCount, now: now)
    }

    /// The counts, and every run in the order of arrival.
    func list() -> JSONValue {
        let (runs, pollCount) = all()
        let now = now
        guard case .object(var members) = Self.count(runs, pollCount: pollCount, now: now) else { return .null }
        members["runs"] = .array(runs.map { Self.entry($0, now: now) })
        return .object(members)
    }

    private static func entry(_ run: Run, now: Int64) -> JSONValue {
        [
            "clientRequestId": .string(run.order.clientRequestID), "provider": .string(run.order.provider),
            "model": .string(run.order.model), "providerRequestId": .string(run.id),
            "fault": run.fault.map { .string($0.rawValue) } ?? .null,
            "outcome": .string(run.outcome(at: now).rawValue), "polls": .integer(Int64(run.pollCount)),
            "callbacks": .integer(Int64(run.callbackCount)), "downloads": .integer(Int64(run.downloadCount)),
        ]
    }

    private static func count(_ runs: [Run], pollCount: Int, now: Int64) -> JSONValue {
        var outcomes: [Outcome: Int64] = [:]
        var clients: Set<String> = []
        for run in runs {
            outcomes[run.outcome(at: now), default: 0] += 1
            clients.insert(run.order.clientRequestID)
        }
        return [
            "total": .integer(Int64(runs.count)), "distinct": .integer(Int64(clients.count)),
            "refused": .integer(outcomes[.refused] ?? 0), "accepted": .integer(outcomes[.accepted] ?? 0),
            "completed": .integer(outcomes[.completed] ?? 0), "failed": .integer(outcomes[.failed] ?? 0),
            "cancelled": .integer(outcomes[.cancelled] ?? 0), "polls": .integer(Int64(pollCount)),
        ]
    }

    /// The books by provider, and by the caller's own id of the run: what a ledger is compared with.
    ///
    /// `submitted` counts every request for work, and `accepted` those that a real vendor would have taken on, whatever
    /// became of them; `duplicates` those accepted under a client id that was accepted before.
    func statement() -> JSONValue {
        let (runs, _) = all()
        let now = now
        var providers: [String: Tally] = [:]
        var clients: [String: [String: Tally]] = [:]
        var seen: Set<String> = []
        for run in runs {
            let provider = run.order.provider
            let id = run.order.clientRequestID
            let outcome = run.outcome(at: now)
            var isDuplicate = false
            if !id.isEmpty, outcome != .refused { isDuplicate = !seen.insert("\(provider):\(id)").inserted }
            providers[provider, default: Tally()].add(run, outcome, isDuplicate: isDuplicate)
            clients[id, default: [:]][provider, default: Tally()].add(run, outcome, isDuplicate: isDuplicate)
        }
        return [
            "providers": .object(providers.mapValues(\.json)),
            "runs": .object(clients.mapValues { .object($0.mapValues(\.json)) }),
        ]
    }

    private struct Tally {
        private var submitted: Int64 = 0
        private var duplicates: Int64 = 0
        private var callbacks: Int64 = 0
        private var outcomes: [Outcome: Int64] = [:]

        mutating func add(_ run: Run, _ outcome: Outcome, isDuplicate: Bool) {
            submitted += 1
            duplicates += isDuplicate ? 1 : 0
            callbacks += Int64(run.callbackCount)
            outcomes[outcome, default: 0] += 1
        }

        var json: JSONValue {
            let refused = outcomes[.refused] ?? 0
            return [
                "submitted": .integer(submitted), "refused": .integer(refused),
                "accepted": .integer(submitted - refused),
                "open": .integer(outcomes[.accepted] ?? 0), "succeeded": .integer(outcomes[.completed] ?? 0),
                "failed": .integer(outcomes[.failed] ?? 0), "cancelled": .integer(outcomes[.cancelled] ?? 0),
                "duplicates": .integer(duplicates), "callbacks": .integer(callbacks),
            ]
        }
    }
}
