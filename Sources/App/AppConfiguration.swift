public import Configuration
import Postgres

/// What a process is told from outside: `RUNLEDGER_*` variables, with what the command line says before them.
public struct AppConfiguration: Sendable {
    /// Where the ledger's database is: a `postgresql://` URI. May hold a password.
    public var databaseURL: String
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 for any that is free.
    public var port = 8080
    /// The address that `/metrics` is served at.
    public var metricsHost = "127.0.0.1"
    /// The port that `/metrics` is served at, 0 for any that is free; nil for none.
    public var metricsPort: Int?
    /// The folder with the models' definition files; the providers' are in `providers` beside it.
    public var modelsFolder = "models"
    /// Where the provider simulator is, when it stands in for every provider.
    public var simulatorURL: String?
    /// Connections to the database.
    public var databaseSessions = 6
    /// Seconds that runs may go on after the service was told to stop.
    public var shutdownGraceSeconds = 30
    /// The service's own address as providers and customers reach it, such as `https://runs.example`; nil when they can't.
    public var publicURL: String?
    /// Steps of asynchronous runs that may go on at once.
    public var workerSteps = 256
    /// Seconds for which a run's task is one process's alone unless that process says so again.
    public var claimSeconds = 30
    /// Days for which results of runs are kept.
    public var resultDays = 30
    /// Days for which the answer to a request with an idempotency key is kept.
    public var idempotencyDays = 30
    /// Events that the audit of the ledger reads in a second at most; 0 for no audit.
    public var auditEventsPerSecond = 2_000
    /// Seconds from one pass of the audit over a journal to the next.
    public var auditPassSeconds = 600
    /// OpenTelemetry's own variables, `OTEL_*`.
    public var telemetryVariables: [String: String] = [:]
    /// Values for `${NAME}` in the definition files: base URLs and secrets of providers.
    public var providerVariables: [String: String] = [:]

    /// What operators send as `Authorization: Bearer`, 32 characters or more; nil lets none in.
    public var adminToken: String?
    /// What seals the console's sessions, 32 characters or more; nil for a service without a console.
    public var consoleSecret: String?
    /// Names of operators with the role `finance` who are auditors in the console.
    public var consoleAuditors: Set<String> = []
    /// Where the console reads: a standby of the database, say; nil for the database itself.
    public var consoleDatabaseURL: String?
    /// The secret that Stripe signs its events with, `whsec_` included; nil for a service that takes none.
    public var stripeWebhookSecret: String?
    /// How topping up charges.
    public var topUps = TopUpSettings()
    /// What wraps the keys of personal data, as ``MasterKeys`` reads it; nil for none.
    public var dataKey: String?
    /// What wrapped them before, while they are wrapped anew.
    public var previousDataKey: String?
    /// Where media go.
    public var media = MediaSettings()
    /// Where the ledger's transparency log is.
    public var log = LogSettings()

    /// The program's version.
    public static let version = "0.1.0"

    /// The defaults, for a database.
    public init(databaseURL: String) { self.databaseURL = databaseURL }

    /// Reads `RUNLEDGER_HOST`, `_PORT`, `_MODELS`, `_SIMULATOR_URL`, `_DATABASE_SESSIONS`, `_SHUTDOWN_GRACE_SECONDS`,
    /// `_PUBLIC_URL`, `_WORKER_STEPS`, `_CLAIM_SECONDS`, `_RESULT_DAYS`, `_IDEMPOTENCY_DAYS`, `_ADMIN_TOKEN`,
    /// `_CONSOLE_SECRET`, `_CONSOLE_AUDITORS`, `_CONSOLE_DATABASE_URL`, `_STRIPE_WEBHOOK_SECRET`, `_METRICS_HOST`,
    /// `_DATA_KEY`, `_DATA_KEY_PREVIOUS`, `_METRICS_PORT`, `_AUDIT_EVENTS_PER_SECOND`, `_AUDIT_PASS_SECONDS`, what
    /// ``MediaSettings``, ``LogSettings`` and ``TopUpSettings`` read, and `OTEL_*`.
    ///
    /// - Parameters:
    ///   - databaseURL: where the database is.
    ///   - environment: every variable of the process; those of providers are read by the name the definitions use.
    public init(databaseURL: String, reading config: ConfigReader, environment: [String: String]) {
        self.databaseURL = databaseURL
        let own = config.scoped(to: "runledger")
        self.host = own.string(forKey: "host", default: host)
        self.port = own.int(forKey: "port", default: port)
        self.metricsHost = own.string(forKey: "metrics.host", default: metricsHost)
        self.metricsPort = own.int(forKey: "metrics.port")
        self.modelsFolder = own.string(forKey: "models", default: modelsFolder)
        self.simulatorURL = own.string(forKey: "simulator.url")
        self.databaseSessions = max(2, own.int(forKey: "database.sessions", default: databaseSessions))
        self.shutdownGraceSeconds = max(0, own.int(forKey: "shutdown.grace.seconds", default: shutdownGraceSeconds))
        self.publicURL = own.string(forKey: "public.url").flatMap { text in
            let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
            return trimmed.isEmpty ? nil : trimmed
        }
        self.workerSteps = min(max(1, own.int(forKey: "worker.steps", default: workerSteps)), 10_000)
        self.claimSeconds = min(max(2, own.int(forKey: "claim.seconds", default: claimSeconds)), 3_600)
        self.resultDays = min(max(1, own.int(forKey: "result.days", default: resultDays)), 36_500)
        self.idempotencyDays = min(max(1, own.int(forKey: "idempotency.days", default: idempotencyDays)), 36_500)
        self.adminToken = own.string(forKey: "admin.token", isSecret: true).flatMap { $0.isEmpty ? nil : $0 }
        self.consoleSecret = own.string(forKey: "console.secret", isSecret: true).flatMap { $0.isEmpty ? nil : $0 }
        let auditors = own.string(forKey: "console.auditors", default: "")
        self.consoleAuditors = Set(auditors.split { ", ".contains($0) }.map(String.init))
        self.consoleDatabaseURL = own.string(forKey: "console.database.url", isSecret: true)
            .flatMap { $0.isEmpty ? nil : $0 }
        self.stripeWebhookSecret = own.string(forKey: "stripe.webhook.secret", isSecret: true).flatMap {
            $0.isEmpty ? nil : $0
        }
        self.topUps = TopUpSettings(reading: own)
        self.dataKey = own.string(forKey: "data.key", isSecret: true)
        self.previousDataKey = own.string(forKey: "data.key.previous", isSecret: true)
        self.media = MediaSettings(reading: own)
        self.log = LogSettings(reading: own)
        self.auditEventsPerSecond = min(
            max(0, own.int(forKey: "audit.events.per.second", default: auditEventsPerSecond)),
            1_000_000
        )
        self.auditPassSeconds = min(
            max(1, own.int(forKey: "audit.pass.seconds", default: auditPassSeconds)),
            31_536_000
        )
        self.telemetryVariables = environment.filter { $0.key.hasPrefix("OTEL_") }
        self.providerVariables = environment
    }

    /// The names that variables of providers begin with, and where the simulator speaks their wires.
    private static let simulatedProviders = [
        "TEXT": "", "KIE": "", "IMAGE": "", "FAL": "/fal", "ANTHROPIC": "/anthropic", "OPENAI": "/openai",
        "ARK": "/ark", "SUNO": "/suno", "KLING": "/kling", "REPLICATE": "/replicate",
    ]

    /// What the definition files may refer to.
    var definitionVariables: [String: String] {
        guard let simulatorURL else { return providerVariables }
        var variables = providerVariables
        for (name, path) in Self.simulatedProviders {
            variables["\(name)_BASE_URL"] = simulatorURL + path
            for key in ["API_KEY", "API_TOKEN", "ACCESS_KEY", "SECRET_KEY"] {
                variables["\(name)_\(key)"] = "simulator"
            }
        }
        variables["FAL_JWKS_URL"] = simulatorURL + "/fal/.well-known/jwks.json"
        return variables
    }
}
