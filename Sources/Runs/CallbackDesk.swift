import Ledger
public import Registry
import Synchronization

/// What is known of who sent a callback.
public enum CallbackProof: Hashable, Sendable {
    /// The provider signed it.
    case genuine
    /// The provider signs nothing, or nothing for us: the only proof is that the sender knew the address.
    case unverified
    /// It lacks the signature that the provider would have made.
    case forged
}

/// Who can tell a provider's callback from a forged one, where the provider signs.
public protocol CallbackVerifying: Sendable {
    /// Whether a callback is the provider's, as far as the provider signs.
    ///
    /// - Parameters:
    ///   - provider: the provider of the run's model.
    ///   - headers: names and values as they came.
    ///   - body: every byte of the body.
    func proof(
        provider: ProviderBinding,
        headers: [(name: String, value: String)],
        body: [UInt8]
    ) async -> CallbackProof
}

/// Takes providers' callbacks: hints to ask now. What they say is never believed.
public struct CallbackDesk: Sendable {
    /// How long a run is not polled again because of callbacks that nobody signed.
    public static let unverifiedPause = Duration.seconds(10)
    /// The largest body that is taken, in bytes.
    public static let largestBodyBytes = 1 << 20

    /// What became of a callback.
    public enum Answer: Hashable, Sendable {
        /// It was taken; whether there still is a run for it is nobody's business.
        case taken
        /// The address is none of ours.
        case unknownAddress
        /// It lacks the provider's signature.
        case notGenuine
        /// The ledger can't be reached.
        case unavailable(LedgerFailure)
    }

    private let service: RunService
    private let verifier: (any CallbackVerifying)?
    private let pauses: HintPauses

    /// Makes a desk.
    ///
    /// - Parameters:
    ///   - service: whose runs are called back for.
    ///   - verifier: checks signatures; nil when no provider of the models signs.
    ///   - unverifiedPause: from one poll of a run because of an unsigned callback to the next.
    public init(
        for service: RunService,
        verifier: (any CallbackVerifying)?,
        unverifiedPause: Duration = unverifiedPause
    ) {
        self.service = service
        self.verifier = verifier
        self.pauses = HintPauses(unverifiedPause)
    }

    /// Takes one callback.
    public func take(_ token: String, headers: [(name: String, value: String)], body: [UInt8]) async -> Answer {
        guard let tasks = service.tasks, let token = CallbackToken(token) else { return .unknownAddress }
        do throws(LedgerFailure) {
            var proof = CallbackProof.unverified
            if let verifier {
                guard let name = try await tasks.modelOfCallback(token.executionID, token.digest) else { return .taken }
                guard let model = service.models.model(named: name) else { return .taken }
                proof = await verifier.proof(provider: model.provider, headers: headers, body: body)
                guard proof != .forged else { return .notGenuine }
            }
            // Anybody who has seen the address can send these, so they may not have the provider polled at will.
            if proof == .unverified, !pauses.begin(for: token) { return .taken }
            do throws(LedgerFailure) {
                guard try await tasks.hintTask(token.executionID, token.digest) else { return .taken }
            } catch {
                // The provider will call again, and is then heard.
                pauses.forget(token)
                throw error
            }
            // Whoever of this process polls for a caller that waits, and the worker, for a run that nobody has.
            service.hints.signal(token.executionID)
            service.wakeWorker()
            return .taken
        } catch {
            return .unavailable(error)
        }
    }
}

/// When runs were last polled because of a callback that nobody signed.
private final class HintPauses: Sendable {
    private let pause: Duration
    private let starts = Mutex<[Digest: ContinuousClock.Instant]>([:])

    init(_ pause: Duration) { self.pause = pause }

    /// Begins a pause, and forgets those that are over once there are many; false when one is going on.
    func begin(for token: CallbackToken) -> Bool {
        starts.withLock { starts in
            let now = ContinuousClock.now
            if let start = starts[token.digest], start + pause > now { return false }
            if starts.count >= 4_096 { starts = starts.filter { $0.value + pause > now } }
            starts[token.digest] = now
            return true
        }
    }

    func forget(_ token: CallbackToken) { starts.withLock { _ = $0.removeValue(forKey: token.digest) } }
}
