import AsyncHTTPClient
public import Egress
public import Ledger
public import LedgerStore
public import Logging
import NIOCore
import NIOHTTP1
import Runs
public import ServiceLifecycle
public import Traces

/// Makes deliveries of runs that have ended and sends those that are due; any number of processes may.
///
/// Each report goes to the address that the guard has checked at this very attempt, by POST, within 15 seconds, following no
/// redirect. What is under way when the process is told to stop is finished.
public struct WebhookWorker: Service {
    /// Bounds and patience.
    public struct Options: Sendable {
        /// Positions of a journal that are looked at in one transaction.
        public var positions: Int64 = 2_000
        /// Deliveries that are sent at a time.
        public var deliveries = 64
        /// Deliveries of one key that are sent at a time, so that a slow receiver delays nobody else's.
        public var deliveriesPerKey = 4
        /// How long to wait when there was nothing to do.
        public var idle = Duration.seconds(1)
        /// How long an attempt may take.
        public var timeout = Duration.seconds(15)
        /// Records attempts.
        public var spans = Spans.off
        /// Who counts attempts.
        public var observer: (any DeliveryObserver)?
        /// The defaults.
        public init() {}
    }

    private let store: LedgerStore
    private let instance: Int64
    private let client: EgressClient
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let options: Options
    private let lanes: DeliveryLanes

    /// Makes a worker of a process, which says by its lease that it is alive.
    public init(
        store: LedgerStore,
        instance: Int64,
        client: EgressClient,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger,
        options: Options = Options()
    ) {
        self.store = store
        self.instance = instance
        self.client = client
        self.clock = clock
        self.logger = logger
        self.options = options
        self.lanes = DeliveryLanes(total: options.deliveries, perKey: options.deliveriesPerKey)
    }

    /// Works until the process is told to stop.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let worked = await begin()
                if !worked { await lanes.wait(atMost: options.idle) }
            }
        }
        await lanes.finish()
    }

    /// Goes once over every journal and finishes what it has begun; says whether there was anything to do.
    public func turn() async -> Bool {
        let worked = await begin()
        await lanes.finish()
        return worked
    }

    /// Goes once over every journal and begins the attempts that are due, as far as there is room; says whether there was
    /// anything to do.
    private func begin() async -> Bool {
        var worked = false
        for number in 0..<store.journalCount where !Task.isCancelled {
            do throws(LedgerStoreError) {
                let journal = JournalID(number)
                if try await store.projectWebhooks(in: journal, positions: options.positions).positions > 0 {
                    worked = true
                }
                if try await deliver(in: journal) { worked = true }
            } catch {
                // Nothing is passed over: the same position is tried at the next turn.
                logger.warning(
                    "webhooks of a journal can't be worked on",
                    metadata: ["journal": "\(number)", "error": "\(error)"]
                )
            }
        }
        return worked
    }

    private func deliver(in journal: JournalID) async throws(LedgerStoreError) -> Bool {
        var worked = false
        while !Task.isCancelled, let lot = lanes.nextLot {
            let now = clock()
            // Four times the attempt's own time: a claim is lost by a process that has died, not by a slow one. When nobody
            // finds out that it is gone, that is.
            let until = now.adding(seconds: options.timeout.components.seconds * 4 + 1)
            let claimed = try await store.claimDeliveries(
                in: journal,
                by: instance,
                at: now,
                until: until,
                limit: lot.limit,
                passingOver: lot.busyKeys
            )
            // Not cancelled with the worker: a report that was sent and not noted would be sent again.
            for delivery in claimed { lanes.begin(delivery.key) { await attempt(delivery) } }
            guard !claimed.isEmpty else { break }
            worked = true
        }
        return worked
    }

    private func attempt(_ delivery: ClaimedDelivery) async {
        let (startedAt, start) = (clock(), ContinuousClock.now)
        var outcome = DeliverySchedule.Outcome.unanswered
        var problem: String?
        let trace = delivery.run?.trace.flatMap { TraceContext($0) }
        let span = options.spans.begin("deliver webhook", .request, under: trace)
        if delivery.isDisabled {
            outcome = .answered(status: 410, retryAfterSeconds: nil)
            problem = "the receiver has said before that it wants no more"
        } else if let secret = WebhookSecret(delivery.secret) {
            do {
                outcome = try await send(delivery, secret, at: startedAt, in: span?.trace ?? trace?.child())
            } catch let error as EgressError {
                problem = error.description
            } catch {
                problem = String("\(error)".prefix(200))
            }
        } else {
            problem = "the secret can't be read"
        }
        span?.end(outcome, problem: problem, of: delivery)
        let now = clock()
        let age = (now.microseconds - delivery.createdAt.microseconds) / 1_000_000
        let next = DeliverySchedule.next(
            after: outcome,
            attempt: delivery.attempt,
            ageSeconds: age,
            fraction: .random(in: 0...1)
        )
        var status: Int?
        if case .answered(let code, _) = outcome, problem == nil { status = code }
        let attempt = DeliveryAttempt(
            number: delivery.attempt,
            startedAt: startedAt,
            milliseconds: start.duration(to: .now).milliseconds,
            status: status,
            error: problem
        )
        await record(attempt, of: delivery, next, at: now)
    }

    private func send(
        _ delivery: ClaimedDelivery,
        _ secret: WebhookSecret,
        at moment: Timestamp,
        in trace: TraceContext?
    ) async throws -> DeliverySchedule.Outcome {
        let body = WebhookPayload.bytes(of: delivery, nodes: try await nodes(of: delivery))
        var headers: HTTPHeaders = ["content-type": "application/json", "user-agent": "runledger-webhooks"]
        let signed = WebhookSignature.headers(
            body,
            id: "msg_\(delivery.id)",
            unixSeconds: moment.microseconds / 1_000_000,
            secret: secret
        )
        for header in signed + (trace?.headers ?? []) { headers.add(name: header.name, value: header.value) }
        let request = EgressRequest(url: delivery.url, method: .POST, headers: headers, body: ByteBuffer(bytes: body))
        // The answer's body says nothing that anybody reads: its connection is closed.
        return try await client.send(request, deadline: .now + options.timeout) { response in
            .answered(
                status: Int(response.status.code),
                retryAfterSeconds: response.headers.first(name: "retry-after").flatMap { Int64($0) }
            )
        }
    }

    /// The model nodes of a workflow's run, all of which have ended; nil for the run of a model.
    private func nodes(of delivery: ClaimedDelivery) async throws(LedgerStoreError) -> [NodeRecord]? {
        guard let run = delivery.run, run.workflowSlug != nil else { return nil }
        return try await store.readNodes(of: run.executionID, account: delivery.account).map {
            NodeRecord(node: $0.node, execution: $0.execution, report: $0.report)
        }
    }

    private func record(
        _ attempt: DeliveryAttempt,
        of delivery: ClaimedDelivery,
        _ next: DeliverySchedule.Next,
        at now: Timestamp
    ) async {
        let state: DeliveryState
        var nextAttemptAt: Timestamp?
        switch next {
        case .delivered: state = .delivered
        case .disabled: state = .disabled
        case .failed: state = .failed
        case .retry(let seconds):
            state = .waiting
            nextAttemptAt = now.adding(seconds: seconds)
        }
        options.observer?.attempted(state)
        do throws(LedgerStoreError) {
            try await store.record(attempt, of: delivery, state: state, nextAttemptAt: nextAttemptAt, at: now)
        } catch {
            // The claim runs out, and the report is sent again under the same id.
            logger.warning(
                "an attempt to deliver can't be recorded",
                metadata: ["delivery": "\(delivery.id)", "error": "\(error)"]
            )
        }
    }
}

extension OpenSpan {
    /// Ends the span of an attempt. It does not name the receiver's address, which may hold a secret.
    fileprivate func end(_ outcome: DeliverySchedule.Outcome, problem: String?, of delivery: ClaimedDelivery) {
        set([
            "http.request.method": "POST", "runledger.event": .text(delivery.event),
            "runledger.attempt": .number(Int64(delivery.attempt)),
            "runledger.execution.id": delivery.run.map { .text("\($0.executionID)") },
        ])
        switch outcome {
        case .answered(let status, _) where problem == nil:
            set(["http.response.status_code": .number(Int64(status))])
            if status >= 400 { fail("\(status)") }
        default: fail("unanswered")
        }
        end()
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
