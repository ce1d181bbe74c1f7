public import Ledger
public import Registry

/// The last part of the address that a provider may call when a run's state has changed: the run's id, which carries its
/// journal, and 128 random bits, in base 62. Unguessable, made anew for each submit; its SHA-256 is kept.
public struct CallbackToken: Sendable {
    private static let digitCount = 43

    /// The token.
    public let text: String
    /// The run.
    public let executionID: ExecutionID
    /// The SHA-256 of the token.
    public let digest: Digest

    /// Makes a token for a run from the system's randomness.
    public init(for executionID: ExecutionID) {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for half in [executionID.value.high, executionID.value.low, generator.next(), generator.next()] {
            withUnsafeBytes(of: half.bigEndian) { bytes.append(contentsOf: $0) }
        }
        self.text = Base62.encode(bytes, digits: Self.digitCount)
        self.executionID = executionID
        self.digest = Digest(of: Array(text.utf8))
    }

    /// Reads a token as it came back; nil when it can't be one.
    public init?(_ text: String) {
        guard text.utf8.count == Self.digitCount, let bytes = Base62.decode(text.utf8, byteCount: 32) else {
            return nil
        }
        func half(_ start: Int) -> UInt64 { bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        self.text = text
        self.executionID = ExecutionID(Identifier128(high: half(0), low: half(8)))
        self.digest = Digest(of: Array(text.utf8))
    }
}

/// Who can tell a provider's callback from a forged one, where the provider signs.
public protocol CallbackVerifying: Sendable {
    /// Whether a callback is the provider's, or the provider signs none.
    ///
    /// - Parameters:
    ///   - provider: the provider of the run's model.
    ///   - headers: names and values as they came.
    ///   - body: every byte of the body.
    func isGenuine(provider: ProviderBinding, headers: [(name: String, value: String)], body: [UInt8]) async -> Bool
}

/// Takes providers' callbacks: hints to ask now. What they say is never believed.
public struct CallbackDesk: Sendable {
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

    /// Makes a desk.
    ///
    /// - Parameters:
    ///   - service: whose runs are called back for.
    ///   - verifier: checks signatures; nil when no provider of the models signs.
    public init(for service: RunService, verifier: (any CallbackVerifying)?) {
        self.service = service
        self.verifier = verifier
    }

    /// Takes one callback.
    public func take(_ token: String, headers: [(name: String, value: String)], body: [UInt8]) async -> Answer {
        guard let tasks = service.tasks, let token = CallbackToken(token) else { return .unknownAddress }
        do throws(LedgerFailure) {
            if let verifier {
                guard let name = try await tasks.modelOfCallback(token.executionID, token.digest) else { return .taken }
                guard let model = service.models.model(named: name) else { return .taken }
                let isGenuine = await verifier.isGenuine(provider: model.provider, headers: headers, body: body)
                guard isGenuine else { return .notGenuine }
            }
            guard try await tasks.hintTask(token.executionID, token.digest) else { return .taken }
            // Whoever of this process polls for a caller that waits, and the worker, for a run that nobody has.
            service.hints.signal(token.executionID)
            service.wakeWorker()
            return .taken
        } catch {
            return .unavailable(error)
        }
    }
}
