import AsyncHTTPClient
public import Egress
import NIOCore
import NIOHTTP1
import Registry
public import Runs
public import Workflows

/// Sends what HTTP Request nodes ask for, to addresses that the policy allows.
public struct EgressCaller: WorkflowCaller {
    /// How long a call may take, its answer included.
    public static let time = Duration.seconds(30)
    /// The largest answer, in bytes.
    public static let largestAnswer = 1 << 20
    /// The largest body that is sent, in bytes.
    public static let largestBody = 1 << 19

    private let client: EgressClient
    private let time: Duration

    /// Makes a caller.
    public init(client: EgressClient, time: Duration = EgressCaller.time) {
        self.client = client
        self.time = time
    }

    /// Sends a request once. What variables brought is checked here: nobody else has.
    public func call(_ call: HTTPCall) async -> CallEnd {
        var headers = HTTPHeaders()
        for (name, value) in call.headers.sorted(by: { $0.key < $1.key }) {
            guard value.utf8.count <= 8_192, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                return .failed("the header \(name) must be at most 8192 bytes on one line")
            }
            headers.add(name: name, value: value)
        }
        var body: ByteBuffer?
        if let sent = call.body, sent != .null {
            let bytes = sent.stringValue.map { Array($0.utf8) } ?? sent.canonicalBytes
            guard bytes.count <= Self.largestBody else {
                return .failed("the body is larger than \(Self.largestBody) bytes")
            }
            if sent.stringValue == nil, !headers.contains(name: "content-type") {
                headers.add(name: "content-type", value: "application/json")
            }
            body = ByteBuffer(bytes: bytes)
        }
        let request = EgressRequest(
            url: call.url,
            method: HTTPMethod(rawValue: call.method),
            headers: headers,
            body: body,
            maximumRedirects: 3
        )
        do {
            return try await client.send(request, deadline: .now.advanced(by: time)) { response in
                let buffer = try await response.body.collect(upTo: Self.largestAnswer)
                let bytes = Array(buffer: buffer)
                let text = String(decoding: bytes, as: UTF8.self).replacing("\0", with: "?")
                let json = try? JSONValue(parsing: bytes)
                return .answered(status: Int(response.status.code), body: json ?? .string(text))
            }
        } catch let error as EgressError {
            return .failed(Self.words(error.code))
        } catch is NIOTooManyBytesError {
            return .failed("the answer is larger than \(Self.largestAnswer) bytes")
        } catch {
            return .failed("the connection was lost")
        }
    }

    /// What the owner may know of a failure: nothing that tells about the network around the service.
    private static func words(_ code: EgressError.Code) -> String {
        switch code {
        case .badURL: "the URL can't be read"
        case .schemeRefused, .portRefused, .addressRefused: "the address is not one that may be reached"
        case .unresolvable, .notConnected: "the address can't be reached"
        case .connectionLost: "the connection was lost"
        case .timedOut: "there was no answer in time"
        case .redirectRefused: "a redirect is not followed"
        }
    }
}
