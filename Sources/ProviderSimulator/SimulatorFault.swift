/// What a simulated provider can do instead of simply working.
///
/// Every wire says each of these in its vendor's own words, and where a vendor has no words for one, the nearest that it
/// has; `docs/simulator.md` lists them.
public enum SimulatorFault: String, Hashable, Sendable, CaseIterable {
    // MARK: Nothing is accepted

    /// Refuses the inputs: they are against the rules.
    case refuse
    /// Answers 500.
    case error500
    /// Refuses the inputs: they are malformed.
    case invalid
    /// Refuses the key.
    case unauthorised
    /// Says that the account has no money left.
    case noCredit
    /// Says that the account may not do this.
    case forbidden
    /// Says that there is no such model.
    case notFound
    /// Answers 409.
    case conflict
    /// Says that the request is too large.
    case tooLarge
    /// Says that requests come too fast.
    case rateLimit
    /// Says that as many tasks run as may (Kling 1303).
    case noSlot
    /// Says that the vendor has too much to do (Anthropic 529).
    case overloaded
    /// Answers 503, by the vendor's own program.
    case unavailable
    /// Answers 503 in HTML, by the proxy before it.
    case ingress503
    /// Answers 502 in HTML, by the proxy before it.
    case badGateway
    /// Answers 504: the request did not start in time.
    case gatewayTimeout

    // MARK: Accepted, and no result

    /// Accepts, then fails at the work.
    case fail
    /// Accepts, then finds the output against the rules.
    case failPolicy
    /// Accepts, then fails and says so in the status, where a vendor has two ways (fal).
    case failInStatus
    /// Accepts, then gives up before it is done.
    case expire
    /// Accepts, but never comes to an end.
    case stall

    // MARK: Done, and told badly

    /// Accepts and does the work, but never answers the request for it.
    case hang
    /// Accepts and does the work, but closes the socket instead of answering.
    case drop
    /// Does the work, late.
    case slow
    /// Does the work, and answers with something that is not JSON.
    case garbage
    /// Does the work, and closes the socket in the middle of the answer.
    case truncate
    /// Does the work; of the polls for it, the first is answered with 500, the second with garbage, and the third with a
    /// closed socket.
    case pollErrors
    /// Begins to stream the answer, then sends an error event and ends.
    case streamError
    /// Answers with a refusal that is charged for (Anthropic's stop reason).
    case refusal
    /// Says that a cancellation is on its way, and completes all the same.
    case cancelIgnored
    /// Says that its own callback failed; the result is there (Suno).
    case callbackException

    // MARK: Callbacks

    /// Sends every callback twice.
    case callbackDuplicate
    /// Sends callbacks late.
    case callbackLate
    /// Signs callbacks wrongly.
    case callbackForged
    /// Sends no callback.
    case callbackLost

    // MARK: Media

    /// Serves HTML where the media should be.
    case mediaWrongType
    /// Serves media without end or declared length.
    case mediaEndless
    /// Closes the socket in the middle of the first download.
    case mediaCut
    /// Redirects to an address of the private network.
    case mediaRedirect
    /// Answers 404, as after the media's time.
    case mediaGone

    /// The fault that a prompt asks for with a marker such as `[[fault:drop]]`.
    init?(markedIn prompt: String) {
        guard let name = prompt.marker("fault") else { return nil }
        self.init(rawValue: name)
    }
}

extension SimulatorFault {
    /// Whether nothing was accepted, so that the vendor charges nothing.
    var isRefusal: Bool {
        switch self {
        case .refuse, .error500, .invalid, .unauthorised, .noCredit, .forbidden, .notFound, .conflict, .tooLarge,
            .rateLimit, .noSlot, .overloaded, .unavailable, .ingress503, .badGateway, .gatewayTimeout:
            true
        default: false
        }
    }

    /// What a task with this fault comes to.
    var ending: TaskProgress.Ending {
        switch self {
        case .fail, .failInStatus, .streamError: .fails
        case .failPolicy: .breaksPolicy
        case .expire: .expires
        case .stall: .never
        default: .succeeds
        }
    }

    /// The faults of a bad day at a vendor, each as likely as the others: what `chaos` draws from.
    ///
    /// Those that only end with the caller's patience (`hang`, `stall`), and those that never pass (`mediaGone` and the
    /// like), are not among them.
    static let chaosMix: [SimulatorFault] = [
        .refuse, .error500, .rateLimit, .overloaded, .unavailable, .badGateway, .fail, .failPolicy, .drop, .slow,
        .garbage, .truncate, .pollErrors, .streamError, .callbackDuplicate, .callbackLate, .callbackForged,
        .callbackLost, .mediaCut,
    ]
}

extension String {
    /// The value of a marker such as `[[fault:drop]]` in a prompt.
    func marker(_ name: String) -> String? {
        guard let start = firstRange(of: "[[\(name):")?.upperBound,
            let end = self[start...].firstRange(of: "]]")?.lowerBound
        else { return nil }
        return String(self[start..<end])
    }
}
