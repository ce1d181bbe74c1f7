import CoreMetrics
import Logging
import OpenTelemetry
import ServiceLifecycle
import Traces

/// What records spans and what exports them; nothing when no collector is named.
struct TraceExport {
    /// Begins spans.
    let spans: Spans
    /// Exports them.
    let services: [any Service]

    /// Reads the settings of OpenTelemetry.
    ///
    /// - Throws: a `SettingError` that names the variable.
    init(_ configuration: AppConfiguration, _ metrics: ServiceMetrics, _ logger: Logger) throws(SettingError) {
        let settings: TraceSettings?
        do throws(TraceSettings.Invalid) {
            settings = try TraceSettings(configuration.telemetryVariables, version: AppConfiguration.version)
        } catch {
            throw SettingError(description: error.description)
        }
        guard let settings else {
            self.spans = .off
            self.services = []
            return
        }
        let queue = SpanQueue(limit: settings.queueLimit)
        self.spans = Spans(recordedBy: SpanTracer(sampler: settings.sampler, queue: queue))
        self.services = [TraceExporter(settings: settings, queue: queue, observer: metrics, logger: logger)]
    }
}

extension ServiceMetrics: SpanObserver {
    func spans(_ count: Int, became fate: SpanFate) { self.spans[fate].increment(by: count) }
}
