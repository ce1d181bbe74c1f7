/// Someone who counts requests: a metric.
public protocol RequestObserver: Sendable {
    /// A request was answered; its body may still be on its way.
    ///
    /// - Parameters:
    ///   - method: the request's method, which may be anything that a client invents.
    ///   - route: the pattern of the route, never the path; nil when there is none.
    ///   - status: the answer's HTTP status.
    ///   - duration: from the request's head to the answer.
    func answered(_ method: String, route: String?, status: Int, after duration: Duration)
}
