/// What a simulated provider can do instead of simply working.
public enum SimulatorFault: String, Hashable, Sendable, CaseIterable {
    /// Refuses the inputs: nothing is accepted.
    case refuse
    /// Answers 500: nothing is accepted.
    case error500
    /// Accepts, then fails at the work.
    case fail
    /// Accepts and does the work, but never answers the request for it.
    case hang
    /// Accepts, but never comes to an end.
    case stall
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

    /// The fault that a prompt asks for with a marker such as `[[fault:drop]]`.
    init?(markedIn prompt: String) {
        guard let start = prompt.firstRange(of: "[[fault:")?.upperBound,
            let end = prompt[start...].firstRange(of: "]]")?.lowerBound
        else { return nil }
        self.init(rawValue: String(prompt[start..<end]))
    }
}
