public import Hummingbird
public import Ledger
import Logging
import NIOCore
import Runs
public import Traces

/// What a request carries through the router: Hummingbird's own things, our request id, and when it came in.
public struct APIContext: RequestContext {
    /// Hummingbird's own things.
    public var coreContext: CoreRequestContextStorage
    /// The request, as answers, logs and events name it.
    public var requestID = Ledger.RequestID(Identifier128(high: 0, low: 0))
    /// The trace that it belongs to.
    public var trace = TraceContext()
    /// When it came in.
    public let receivedAt = ContinuousClock.now

    private let channel: any Channel

    /// Made by the server for each request.
    public init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
    }

    /// The address that the connection comes from: a proxy's, where one stands before the service.
    package var clientAddress: String? { channel.remoteAddress?.ipAddress }

    /// Bodies above this many bytes are refused (api-contract, section 8.7).
    public var maxUploadSize: Int { 1 << 20 }
}
