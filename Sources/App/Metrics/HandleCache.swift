import Synchronization

/// Handles of swift-metrics by what they are measured for: asking it for one makes one, with strings and a lookup.
///
/// The lock is held for one lookup in a dictionary; what is measured then counts without it.
final class HandleCache<Key: Hashable & Sendable, Handle: Sendable>: Sendable {
    private let handles = Mutex<[Key: Handle]>([:])
    private let make: @Sendable (Key) -> Handle

    /// Makes a cache.
    ///
    /// - Parameter make: makes the handle of a key; called once for each, and there must be few.
    init(_ make: @escaping @Sendable (Key) -> Handle) { self.make = make }

    subscript(key: Key) -> Handle {
        handles.withLock { handles in
            if let known = handles[key] { return known }
            let new = make(key)
            handles[key] = new
            return new
        }
    }
}
