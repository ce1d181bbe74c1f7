import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

extension EgressError {
    /// The error for what the HTTP client, or the network under it, throws; nil for what is not theirs.
    init?(known error: any Error, host: String) {
        switch error {
        case let error as EgressError: self = error
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout:
                self.init(.notConnected, "no connection to \(host): \(error.shortDescription)")
            case .deadlineExceeded, .readTimeout, .writeTimeout:
                self.init(.timedOut, "\(host): \(error.shortDescription)")
            case .cancelled: return nil
            default: self.init(.connectionLost, "\(host): \(error.shortDescription)")
            }
        case is NIOConnectionError, is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            self.init(.notConnected, "no connection to \(host): \(Self.shortened(error))")
        case let error as IOError
        where error.errnoCode == ECONNREFUSED || error.errnoCode == EHOSTUNREACH
            || error.errnoCode == ENETUNREACH:
            self.init(.notConnected, "no connection to \(host): \(Self.shortened(error))")
        case let error as ChannelError:
            if case .connectTimeout = error {
                self.init(.notConnected, "no connection to \(host): it took too long")
            } else {
                self.init(.connectionLost, "\(host): \(Self.shortened(error))")
            }
        case is IOError, is HTTPParserError: self.init(.connectionLost, "\(host): \(Self.shortened(error))")
        default: return nil
        }
    }

    /// The error for anything thrown on the way.
    init(any error: any Error) {
        switch error {
        case let error as EgressError: self = error
        case is DeadlinePassed: self.init(.timedOut, "the deadline passed")
        default: self.init(.connectionLost, Self.shortened(error))
        }
    }

    private static func shortened(_ error: any Error) -> String { String("\(error)".prefix(200)) }
}
