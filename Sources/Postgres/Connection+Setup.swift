internal import CLibpq

extension Connection {
    func resolve(now: ContinuousClock.Instant) {
        setupDeadline = now.advanced(by: .seconds(core.configuration.connectTimeoutSeconds))
        guard let hosts = core.configuration.hostsToResolve else { return connect(hostAddresses: nil) }
        phase = .resolving
        // A thread of an earlier attempt that is still at it will answer this one.
        guard !isResolving else { return }
        isResolving = true
        let (core, slot) = (core, slot)
        let thread = WorkerThread(name: "pq-resolve") {
            core.mailbox.submit(.resolved(slot: slot, hostAddresses: HostResolver.hostAddresses(hosts: hosts)))
        }
        thread.detach()
    }

    /// The addresses of the hosts are known, or that there are none.
    func resolved(_ hostAddresses: String?) {
        isResolving = false
        guard case .resolving = phase else { return }
        guard let hostAddresses else {
            let message = "the host's name could not be resolved"
            return setupFailed(PostgresError(code: .connectionLost, outcome: .notSent, message: message))
        }
        connect(hostAddresses: hostAddresses)
    }

    private func connect(hostAddresses: String?) {
        handle = core.configuration.withConnectionParameters(hostAddresses: hostAddresses) {
            PQconnectStartParams($0, $1, 0)
        }
        guard let handle, PQstatus(handle) != CONNECTION_BAD else {
            return setupFailed(ServerReply.connectError(of: handle))
        }
        notices.install(on: handle)
        // Verbose only until it stands: that is the only way to learn the SQLSTATE of a refused connection.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        phase = .connecting(PGRES_POLLING_WRITING)
    }

    func continueConnecting() {
        guard let handle else { return }
        let status = PQconnectPoll(handle)
        switch status {
        case PGRES_POLLING_READING, PGRES_POLLING_WRITING: phase = .connecting(status)
        case PGRES_POLLING_OK: prepareCatalogue(on: handle)
        default: setupFailed(ServerReply.connectError(of: handle))
        }
    }

    /// Prepares every statement in one pipeline: one round trip.
    private func prepareCatalogue(on handle: OpaquePointer) {
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            return setupFailed(ServerReply.connectError(of: handle))
        }
        phase = .preparing
        machine = PipelineStateMachine()
        breakage = nil
        machine.sent(.preparation, shape: UnitShape(statementCount: core.catalogue.count))
        var isSent = true
        for statement in core.catalogue where isSent {
            let types = statement.types.map(\.objectID)
            isSent = PQsendPrepare(handle, statement.name, statement.sql, Int32(types.count), types) == 1
        }
        guard isSent, PQpipelineSync(handle) == 1 else {
            return setupFailed(ServerReply.connectError(of: handle))
        }
        flush(handle)
        settleBreakage()
    }

    func becomeReady() {
        backoff.reset()
        lastFailure = nil
        generation = core.generation(slot: slot)
        phase = .ready
        core.sessionReady(slot: slot)
    }

    func setupFailed(_ error: PostgresError) {
        handle.map { PQfinish($0) }
        handle = nil
        machine = PipelineStateMachine()
        breakage = nil
        lastFailure = error
        let wait = retryLater()
        core.options.eventHandler(.connectFailed(session: slot, error, retryAfter: wait))
    }

    func retryLater() -> Duration {
        var generator = SystemRandomNumberGenerator()
        let wait = backoff.next(using: &generator)
        phase = .down(retryAt: .now.advanced(by: wait))
        wantsWrite = false
        return wait
    }
}
