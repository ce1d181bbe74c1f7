public import Ledger
public import Registry

/// A run as whoever asks about it is told.
public struct ExecutionView: Sendable {
    /// The run.
    public let execution: Execution
    /// What is kept of its end: nil before it, for an end that nobody reported, and once it is no longer kept.
    public let report: RunReport?
    /// Where its end is reported to.
    public let destination: ReportDestination
    /// The model nodes of a workflow's run that were held; nil for the run of a model.
    public var nodes: [NodeRecord]?

    /// Makes a view.
    public init(execution: Execution, report: RunReport?, destination: ReportDestination) {
        self.execution = execution
        self.report = report
        self.destination = destination
    }

    /// How far it has come, in the words of the API.
    public var status: Status {
        switch execution.status {
        case .succeeded: .completed
        case .failed: .failed
        case .cancelled: .cancelled
        case .admitted, .submitted, .unresolved: execution.cancelRequestedAt == nil ? .processing : .cancelRequested
        }
    }

    /// How far a run has come, in the words of the API.
    public enum Status: String, Hashable, Sendable, CaseIterable {
        case processing, completed, failed, cancelled
        case cancelRequested = "cancel_requested"
    }

    /// Its result; nil when it has none or it is no longer kept.
    public var result: JSONValue? { report?.result.flatMap { try? JSONValue(text: $0) } }
}

/// How a question about a run ended.
public enum ExecutionAnswer: Sendable {
    /// The run as it is now.
    case found(ExecutionView, window: WindowStatus?)
    /// It was refused.
    case refused(Refusal, window: WindowStatus?)
    /// The ledger can't be asked.
    case unavailable(LedgerFailure)
}

/// Answers questions about runs, and takes wishes to cancel them.
public struct ExecutionDesk: Sendable {
    /// The longest that an answer waits for the end of a run.
    public static let longestWait = Duration.seconds(60)
    /// From one look at the ledger to the next while an answer waits for an end that another process records.
    static let lookAgain = Duration.seconds(1)
    /// How long an answer waits for where the run's end is reported to.
    static let destinationWait = Duration.seconds(2)

    private let service: RunService
    private let reader: any ExecutionReader
    private let webhooks: any WebhookDirectory

    /// Makes a desk.
    ///
    /// - Parameters:
    ///   - service: whose runs are asked about.
    ///   - reader: reads the ledger.
    ///   - webhooks: knows where ends are reported to.
    public init(
        for service: RunService,
        reader: any ExecutionReader,
        webhooks: any WebhookDirectory = NoWebhooks()
    ) {
        self.service = service
        self.reader = reader
        self.webhooks = webhooks
    }

    /// A run of whoever asks.
    ///
    /// - Parameters:
    ///   - id: the run; nil when what was asked for is no id.
    ///   - identity: who asks.
    ///   - wait: how long to wait for its end, at most `longestWait`.
    public func read(
        _ id: ExecutionID?,
        for identity: KeyAuthenticator.Identity,
        wait: Duration = .zero
    ) async -> ExecutionAnswer {
        do throws(LedgerFailure) {
            let asked = id ?? .none(in: service.ledger.journal(of: identity.accountID))
            // Before the first look, so that no end is missed between looking and waiting.
            let end = wait > .zero ? service.signals.watch(asked) : nil
            var glance = try await reader.glance(at: asked, account: identity.accountID, key: identity.keyID)
            let window: WindowStatus?
            switch try await reader.admitRead(by: glance.account, with: glance.key, requiring: .readExecutions) {
            case .refused(let refusal, let status): return .refused(refusal, window: status)
            case .admitted(_, let status): window = status
            }
            guard var execution = glance.execution else { return .refused(.executionUnknown, window: window) }
            let deadline = ContinuousClock.now.advanced(by: min(wait, Self.longestWait))
            while let end, !execution.status.isEnd, !Task.isCancelled {
                let left = ContinuousClock.now.duration(to: deadline)
                guard left > .zero else { break }
                await end.wait(atMost: min(left, Self.lookAgain))
                glance = try await reader.glance(at: asked, account: identity.accountID, key: identity.keyID)
                execution = glance.execution ?? execution
            }
            return .found(try await view(execution, glance.report, identity), window: window)
        } catch {
            return .unavailable(error)
        }
    }

    /// Asks for the end of a run before its time.
    ///
    /// - Returns: the run as it then is: `cancelled`, or with `cancelRequestedAt`; a refusal with
    ///   `executionNotCancellable` when it has ended otherwise.
    public func cancel(
        _ id: ExecutionID?,
        for identity: KeyAuthenticator.Identity,
        request: RequestID
    ) async -> ExecutionAnswer {
        do throws(LedgerFailure) {
            let asked = id ?? .none(in: service.ledger.journal(of: identity.accountID))
            let glance = try await reader.glance(at: asked, account: identity.accountID, key: identity.keyID)
            let window: WindowStatus?
            switch try await reader.admitRead(by: glance.account, with: glance.key, requiring: .cancelExecutions) {
            case .refused(let refusal, let status): return .refused(refusal, window: status)
            case .admitted(_, let status): window = status
            }
            guard glance.execution != nil else { return .refused(.executionUnknown, window: window) }
            let command = Command(
                id: service.identifiers.command(),
                accountID: identity.accountID,
                requestID: request,
                action: .requestCancel(RequestCancel(executionID: asked, keyID: identity.keyID))
            )
            switch try await service.ledger.decide(command) {
            case .cancelRequested(let execution):
                if execution.workflowSlug != nil { await service.cancelNodes(of: asked, identity, request) }
                if execution.status.isEnd { service.signals.signal(asked) } else { service.wakeWorker() }
                return .found(try await view(execution, glance.report, identity), window: window)
            case .refused(let refusal, _): return .refused(refusal, window: window)
            case let verdict: preconditionFailure("a wish to cancel was answered with \(verdict)")
            }
        } catch {
            return .unavailable(error)
        }
    }

    /// Whether a read goes on, and the window that it was counted in.
    public enum Admittance: Sendable {
        /// It does; nil for a plan without a limit.
        case admitted(WindowStatus?)
        /// It does not; the window is nil for what was refused before it was counted.
        case refused(Refusal, WindowStatus?)
    }

    /// Counts a read of what every key that is in force may read.
    public func admitRead(for identity: KeyAuthenticator.Identity) async throws(LedgerFailure) -> Admittance {
        let journal = service.ledger.journal(of: identity.accountID)
        return switch try await reader.admitRead(for: identity, in: journal, requiring: nil) {
        case .admitted(_, let window): .admitted(window)
        case .refused(let refusal, let window): .refused(refusal, window)
        }
    }

    private func view(
        _ execution: Execution,
        _ report: RunReport?,
        _ identity: KeyAuthenticator.Identity
    ) async throws(LedgerFailure) -> ExecutionView {
        var destination = ReportDestination.none
        if execution.isAsync {
            destination = await webhooks.destination(
                of: execution.id,
                key: execution.keyID,
                admittedAt: execution.admittedAt,
                within: Self.destinationWait
            )
        }
        var view = ExecutionView(execution: execution, report: report, destination: destination)
        if execution.workflowSlug != nil, let workflows = service.workflows {
            view.nodes = try await workflows.nodes(of: execution.id, account: identity.accountID)
        }
        return view
    }
}

extension ExecutionID {
    /// An id that no run has.
    static func none(in journal: JournalID) -> ExecutionID {
        ExecutionID(Identifier128(high: UInt64(journal.number), low: 0))
    }
}
