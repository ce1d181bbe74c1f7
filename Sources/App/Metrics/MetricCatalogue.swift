import Observability

/// Every metric of the service.
enum MetricCatalogue {
    static let all: [MetricDescription] =
        requests + ledger + logs + audit + runs + providers + deliveries + service + PaymentMetrics.descriptions
        + ProcessMetrics.descriptions

    /// From a millisecond, which an answer from memory takes, to the deadline of the slowest model.
    private static let callSeconds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
    ]
    /// From what a local disk takes to the budget within which a batch is tried again (20 s).
    private static let commitSeconds = [
        0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 5, 20,
    ]
    private static let batchSizes: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]
    /// A ledger has 4,096 journals at most.
    private static let journals = 4_096

    private static let requests = [
        MetricDescription(
            "runledger_http_request_seconds",
            .histogram(bounds: callSeconds),
            "From a request's head to its answer, by route pattern, method and status.",
            labels: ["route", "method", "status"],
            maximumSeries: 1_024
        )
    ]

    private static let ledger = [
        MetricDescription(
            "runledger_decisions_total",
            .counter,
            "Decisions on runs that were asked for: ADMITTED, or the code of the refusal.",
            labels: ["code"]
        ),
        MetricDescription(
            "runledger_settlements_total",
            .counter,
            "Runs that were settled, by the status they have since.",
            labels: ["status"]
        ),
        MetricDescription(
            "runledger_journal_batch_commands",
            .histogram(bounds: batchSizes),
            "Commands in a committed batch."
        ),
        MetricDescription("runledger_journal_events_total", .counter, "Events that were committed."),
        MetricDescription(
            "runledger_journal_commit_seconds",
            .histogram(bounds: commitSeconds),
            "From taking a batch's commands to its commit, with every retry."
        ),
        journal("runledger_journal_queue_commands", "Commands that wait for a journal's writer in this process."),
        journal("runledger_journal_position", "The position of a journal's latest event, when it was sampled."),
        journal("runledger_holds_open", "Holds that are open in a journal, when it was sampled; at most 100000."),
        journal("runledger_executions_unresolved", "Runs of a journal whose fate is not known, when it was sampled."),
        journal("runledger_erasures_open", "Erasures of a journal's accounts that were decided and are not finished."),
        journal("runledger_erasure_age_seconds", "How long ago the oldest of those was decided; 0 for none."),
        journal("runledger_webhook_lag_events", "Events of a journal that the webhooks' projection has not seen."),
        MetricDescription(
            "runledger_sampled_timestamp_seconds",
            .gauge,
            "When every journal was sampled for the last time, since the Unix epoch; 0 before the first time."
        ),
    ]

    private static let logs = [
        log("runledger_log_size", "Entries of a log as this process has published it."),
        log(
            "runledger_log_complete_timestamp_seconds",
            "When this process last found a log published to its end, since the Unix epoch."
        ),
        MetricDescription(
            "runledger_log_failures_total",
            .counter,
            "Attempts to publish a log that failed: final where what there is contradicts what was published.",
            labels: ["log", "kind"],
            maximumSeries: 2 * (journals + 1)
        ),
    ]

    private static let audit = [
        journal(
            "runledger_verified_through_position",
            "Up to where this process has checked every event of a journal, and found nothing bad."
        ),
        journal("runledger_verification_damaged", "1 when this process has found a journal damaged, else 0."),
        journal(
            "runledger_verification_pass_timestamp_seconds",
            "When the latest pass over a whole journal began that found nothing bad, since the Unix epoch; 0 before one."
        ),
        MetricDescription(
            "runledger_verified_events_total",
            .counter,
            "Events that the audit has read, those of accounts that were folded included."
        ),
    ]

    private static let runs = [
        MetricDescription("runledger_runs_under_way", .gauge, "Runs and steps of runs under way in this process."),
        MetricDescription(
            "runledger_settlements_delayed_total",
            .counter,
            "Attempts to record an outcome that the ledger did not take."
        ),
        MetricDescription(
            "runledger_runs_abandoned_total",
            .counter,
            "Runs of processes that are gone, recorded as unresolved by this process."
        ),
        MetricDescription("runledger_holds_expired_total", .counter, "Holds that their definition's policy ended."),
    ]

    private static let providers = [
        MetricDescription(
            "runledger_provider_call_seconds",
            .histogram(bounds: callSeconds),
            "What calls of a provider took, by operation and by what came of them.",
            labels: ["provider", "operation", "outcome"],
            maximumSeries: 1_024
        ),
        MetricDescription(
            "runledger_provider_breaker",
            .gauge,
            "1 for the state that a provider's circuit breaker is in, 0 for the others.",
            labels: ["provider", "state"]
        ),
        provider("runledger_provider_slots", "Runs that a provider may be asked for at a time."),
        provider("runledger_provider_slots_in_use", "Runs that a provider works on for this process."),
        provider("runledger_provider_waiting", "Runs that wait for one of a provider's slots."),
        provider("runledger_provider_retries_left", "Whole retries left in a provider's budget."),
    ]

    private static let deliveries = [
        MetricDescription(
            "runledger_webhook_attempts_total",
            .counter,
            "Attempts to deliver a webhook, by the state of the delivery since; waiting: it is tried again.",
            labels: ["state"]
        ),
        MetricDescription("runledger_media_copies_total", .counter, "Media that were copied to storage."),
        MetricDescription("runledger_media_copied_bytes_total", .counter, "Bytes of media that were copied."),
    ]

    private static let service = [
        MetricDescription(
            "runledger_trace_spans_total",
            .counter,
            "Spans that have ended: exported, dropped because too many waited, or failed at the collector.",
            labels: ["fate"]
        ),
        MetricDescription("runledger_ready", .gauge, "Whether the service can take runs: 1 or 0."),
        MetricDescription(
            "runledger_build_info",
            .gauge,
            "1, with the version of the program as its label.",
            labels: ["version"]
        ),
    ]

    private static func log(_ name: String, _ help: String) -> MetricDescription {
        MetricDescription(name, .gauge, help, labels: ["log"], maximumSeries: journals + 1)
    }

    private static func journal(_ name: String, _ help: String) -> MetricDescription {
        MetricDescription(name, .gauge, help, labels: ["journal"], maximumSeries: journals)
    }

    private static func provider(_ name: String, _ help: String) -> MetricDescription {
        MetricDescription(name, .gauge, help, labels: ["provider"])
    }
}
