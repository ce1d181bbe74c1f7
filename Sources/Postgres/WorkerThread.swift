internal import CLibpq
internal import Glibc

/// A named operating system thread that runs one closure.
struct WorkerThread: Sendable {
    private let handle: pthread_t

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a thread; traps when the system has none left.
    init(name: String, _ run: @escaping @Sendable () -> Void) {
        var handle = pthread_t()
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        let status = pthread_create(
            &handle,
            nil,
            { context in
                guard let context else { return nil }
                let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                clibpq_name_this_thread(body.name)
                body.run()
                return nil
            },
            body.toOpaque()
        )
        precondition(status == 0, "no thread could be started")
        self.handle = handle
    }

    /// Waits for the end of the thread; once.
    func join() { pthread_join(handle, nil) }

    /// Lets the thread end on its own; instead of `join`.
    func detach() { pthread_detach(handle) }
}
