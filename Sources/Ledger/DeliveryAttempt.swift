/// One attempt to deliver a report to a webhook. Kept beside the events, as a log of deliveries shows it.
public struct DeliveryAttempt: Hashable, Sendable {
    /// Its number, from 1.
    public let number: Int
    /// When it began.
    public let startedAt: Timestamp
    /// How long it took.
    public let milliseconds: Int64
    /// The status of the answer, if there was one.
    public let status: Int?
    /// Why there was none.
    public let error: String?

    /// Makes an attempt.
    public init(number: Int, startedAt: Timestamp, milliseconds: Int64, status: Int?, error: String?) {
        self.number = number
        self.startedAt = startedAt
        self.milliseconds = milliseconds
        self.status = status
        self.error = error
    }
}
