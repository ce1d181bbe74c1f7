public import LedgerStore

/// Someone who counts attempts to deliver: a metric.
public protocol DeliveryObserver: Sendable {
    /// An attempt has ended; the delivery now waits for another, or has ended too.
    func attempted(_ state: DeliveryState)
}
