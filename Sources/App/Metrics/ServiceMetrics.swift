import Console
import CoreMetrics
import Ledger
import LedgerStore
import Observability
import OpenTelemetry
import Providers
import RunAPI
import Runs
import Webhooks

/// What the service tells of itself in numbers: hears of everything that happens, and measures it through swift-metrics.
final class ServiceMetrics: Sendable {
    /// Has the exposition.
    let registry: MetricRegistry
    private let requests: HandleCache<RequestKey, Timer>
    private let calls: HandleCache<CallKey, Timer>
    private let decisions: HandleCache<String, Counter>
    private let settlements: HandleCache<Execution.Status, Counter>
    private let attempts: HandleCache<DeliveryState, Counter>
    let spans: HandleCache<SpanFate, Counter>
    let verifiedEvents: Counter
    private let batchCommands: Recorder
    private let batchEvents: Counter
    private let commits: Timer
    private let mediaCopies: Counter
    private let mediaBytes: Counter
    /// Of the transparency log.
    let logs: LogMetrics
    /// Of topping up.
    let payments: PaymentMetrics
    /// What the console shows of the audit.
    let auditBoard = AuditBoard()
    let settlementsDelayed: Counter
    let runsAbandoned: Counter
    let holdsExpired: Counter
    private let sampledAt: Meter
    private let journalGauges: HandleCache<GaugeKey, Meter>
    private let providerGauges: HandleCache<GaugeKey, Meter>
    private let breakers: HandleCache<BreakerKey, Meter>

    private struct RequestKey: Hashable, Sendable {
        let route: String
        let method: String
        let status: Int
    }

    private struct CallKey: Hashable, Sendable {
        let provider: String
        let operation: ProviderOperation
        let outcome: ProviderCallOutcome
    }

    private struct GaugeKey: Hashable, Sendable {
        let name: String
        let subject: String
    }

    private struct BreakerKey: Hashable, Sendable {
        let provider: String
        let state: ProviderHealth.Breaker
    }

    init(registry: MetricRegistry = MetricRegistry(MetricCatalogue.all)) {
        self.registry = registry
        func counter(_ name: String) -> Counter { Counter(label: name, factory: registry) }
        func counters<Key: Hashable & Sendable>(
            _ name: String,
            _ label: String,
            _ value: @escaping @Sendable (Key) -> String
        ) -> HandleCache<Key, Counter> {
            HandleCache { Counter(label: name, dimensions: [(label, value($0))], factory: registry) }
        }
        self.requests = HandleCache { key in
            Timer(
                label: "runledger_http_request_seconds",
                dimensions: [("route", key.route), ("method", key.method), ("status", "\(key.status)")],
                factory: registry
            )
        }
        self.calls = HandleCache { key in
            Timer(
                label: "runledger_provider_call_seconds",
                dimensions: [
                    ("provider", key.provider), ("operation", key.operation.rawValue),
                    ("outcome", key.outcome.rawValue),
                ],
                factory: registry
            )
        }
        self.decisions = counters("runledger_decisions_total", "code") { $0 }
        self.settlements = counters("runledger_settlements_total", "status", \.rawValue)
        self.attempts = counters("runledger_webhook_attempts_total", "state", \.rawValue)
        self.spans = counters("runledger_trace_spans_total", "fate", \.rawValue)
        self.verifiedEvents = counter("runledger_verified_events_total")
        self.journalGauges = HandleCache { key in
            Meter(label: key.name, dimensions: [("journal", key.subject)], factory: registry)
        }
        self.providerGauges = HandleCache { key in
            Meter(label: key.name, dimensions: [("provider", key.subject)], factory: registry)
        }
        self.breakers = HandleCache { key in
            Meter(
                label: "runledger_provider_breaker",
                dimensions: [("provider", key.provider), ("state", key.state.rawValue)],
                factory: registry
            )
        }
        self.logs = LogMetrics(registry)
        self.payments = PaymentMetrics(registry)
        self.batchCommands = Recorder(label: "runledger_journal_batch_commands", factory: registry)
        self.batchEvents = counter("runledger_journal_events_total")
        self.commits = Timer(label: "runledger_journal_commit_seconds", factory: registry)
        self.mediaCopies = counter("runledger_media_copies_total")
        self.mediaBytes = counter("runledger_media_copied_bytes_total")
        self.settlementsDelayed = counter("runledger_settlements_delayed_total")
        self.runsAbandoned = counter("runledger_runs_abandoned_total")
        self.holdsExpired = counter("runledger_holds_expired_total")
        self.sampledAt = Meter(label: "runledger_sampled_timestamp_seconds", factory: registry)
        ProcessMetrics.add(to: registry)
        let version = [("version", AppConfiguration.version)]
        Meter(label: "runledger_build_info", dimensions: version, factory: registry).set(1)
    }

    /// Notes what a sample of a journal found.
    func note(_ sample: JournalSample, of journal: JournalID) {
        set("runledger_journal_position", of: journal, sample.position)
        set("runledger_webhook_lag_events", of: journal, sample.webhookLag)
        set("runledger_holds_open", of: journal, sample.openHolds)
        set("runledger_executions_unresolved", of: journal, sample.unresolvedExecutions)
        set("runledger_erasures_open", of: journal, sample.openErasures)
        set("runledger_erasure_age_seconds", of: journal, sample.oldestErasureSeconds)
    }

    /// Notes how far the audit of a journal has come.
    func note(_ audit: JournalAudit) {
        set("runledger_verified_through_position", of: audit.journal, audit.verifiedThrough)
        set("runledger_verification_damaged", of: audit.journal, audit.finding == nil ? 0 : 1)
        let began = (audit.cleanPassBegan?.microseconds ?? 0) / 1_000_000
        set("runledger_verification_pass_timestamp_seconds", of: audit.journal, began)
        let progress = AuditBoard.Progress(
            verifiedThrough: audit.verifiedThrough,
            cleanPassBegan: audit.cleanPassBegan,
            finding: audit.finding?.description
        )
        auditBoard.note(progress, of: audit.journal)
    }

    /// Notes that every journal was sampled.
    func noteSampled(at now: Timestamp) { sampledAt.set(Double(now.microseconds) / 1e6) }

    /// A medium is in storage.
    func copiedMedium(_ byteCount: Int64) {
        mediaCopies.increment()
        mediaBytes.increment(by: byteCount)
    }

    /// Has what is known at any time read whenever the metrics are asked for.
    func watch(store: LedgerStore, router: ProviderRouter, runs: RunService, isReady: @escaping @Sendable () -> Bool) {
        let underWay = Meter(label: "runledger_runs_under_way", factory: registry)
        let ready = Meter(label: "runledger_ready", factory: registry)
        registry.beforeExposition { [unowned self] in
            underWay.set(runs.underWayCount)
            ready.set(isReady() ? 1 : 0)
            for (journal, count) in store.waitingCounts.enumerated() {
                set("runledger_journal_queue_commands", of: JournalID(Int16(journal)), Int64(count))
            }
            for health in router.health { note(health) }
        }
    }

    private func note(_ health: ProviderHealth) {
        func set(_ name: String, _ value: Int) {
            providerGauges[GaugeKey(name: "runledger_provider_\(name)", subject: health.name)].set(value)
        }
        set("slots", health.concurrency)
        set("slots_in_use", health.underWayCount)
        set("waiting", health.waitingCount)
        set("retries_left", health.retriesLeft)
        for state in ProviderHealth.Breaker.allCases {
            breakers[BreakerKey(provider: health.name, state: state)].set(state == health.breaker ? 1 : 0)
        }
    }

    private func set(_ name: String, of journal: JournalID, _ value: Int64) {
        journalGauges[GaugeKey(name: name, subject: "\(journal.number)")].set(value)
    }
}

extension ServiceMetrics: RequestObserver {
    /// Clients may invent methods; what is counted by method is bounded.
    private static let methods: Set<String> = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
    ]

    func answered(_ method: String, route: String?, status: Int, after duration: Duration) {
        let known = Self.methods.contains(method) ? method : "other"
        requests[RequestKey(route: route ?? "none", method: known, status: status)].record(duration: duration)
    }
}

extension ServiceMetrics: BatchObserver {
    func committed(journal: Int16, commands: Int, events: Int, duration: Duration) {
        batchCommands.record(commands)
        batchEvents.increment(by: events)
        commits.record(duration: duration)
    }

    func decided(_ commands: [Command], _ verdicts: [Verdict]) {
        for (command, verdict) in zip(commands, verdicts) {
            switch (command.action, verdict) {
            case (.admitRun, .admitted): decisions["ADMITTED"].increment()
            case (.admitRun, .refused(let refusal, _)): decisions[refusal.code].increment()
            case (_, .settled(let settlement)) where !settlement.isRepeat:
                settlements[settlement.execution.status].increment()
            case (.endTopUp(let end), .done): payments.ended(end)
            default: break
            }
        }
    }
}

extension ServiceMetrics: ProviderObserver {
    func called(
        _ provider: String,
        _ operation: ProviderOperation,
        _ outcome: ProviderCallOutcome,
        took duration: Duration
    ) {
        calls[CallKey(provider: provider, operation: operation, outcome: outcome)].record(duration: duration)
    }
}

extension ServiceMetrics: DeliveryObserver {
    func attempted(_ state: DeliveryState) { attempts[state].increment() }
}

extension Timer {
    /// Records a duration.
    fileprivate func record(duration: Duration) {
        let (seconds, attoseconds) = duration.components
        recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
