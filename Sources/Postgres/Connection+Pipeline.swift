internal import CLibpq

extension Connection {
    /// Hands a unit to libpq: every statement, one sync, one flush.
    func send(_ batch: PipelineBatch, ticket: Ticket) {
        guard let handle else { return }
        machine.sent(ticket, shape: batch.shape)
        let isSent = batch.parameters.bytes.withUnsafeBytes { arena in
            for entry in batch.entries {
                let slots = batch.parameters.slots[entry.firstSlot..<entry.firstSlot + entry.slotCount]
                guard Self.send(entry, slots, arena, on: handle) else { return false }
            }
            return PQpipelineSync(handle) == 1
        }
        if isSent {
            flush(handle)
        } else {
            // What libpq took of the unit lacks its sync, so nothing can follow it on this connection.
            breakage = (.connectionLost, "the connection broke while sending")
        }
        settleBreakage()
    }

    /// Hands one statement to libpq, which copies the parameters; the pointers live no longer than this call.
    private static func send(
        _ entry: PipelineBatch.Entry,
        _ slots: ArraySlice<ParameterEncoder.Slot>,
        _ arena: UnsafeRawBufferPointer,
        on handle: OpaquePointer
    ) -> Bool {
        if entry.isRaw {
            return PQsendQueryParams(handle, entry.text, 0, nil, nil, nil, nil, 0) == 1
        }
        let base = arena.bindMemory(to: CChar.self).baseAddress
        return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: slots.count) { values in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: slots.count * 2) { numbers in
                for (index, slot) in slots.enumerated() {
                    values.initializeElement(at: index, to: slot.length < 0 ? nil : base.map { $0 + slot.offset })
                    numbers.initializeElement(at: index, to: Int32(max(0, slot.length)))
                    // 1: binary.
                    numbers.initializeElement(at: slots.count + index, to: 1)
                }
                return PQsendQueryPrepared(
                    handle,
                    entry.text,
                    Int32(slots.count),
                    values.baseAddress,
                    numbers.baseAddress,
                    numbers.baseAddress.map { $0 + slots.count },
                    1
                ) == 1
            }
        }
    }

    /// Reads what arrived, hands out complete replies, and writes what is left to write.
    func receive() {
        guard let handle else { return }
        let isAlive = PQconsumeInput(handle) == 1
        drain(handle)
        // Decrypted bytes may wait inside of the TLS library while the socket looks idle.
        if isAlive, breakage == nil, self.handle != nil, PQsslInUse(handle) != 0 {
            PQconsumeInput(handle)
            drain(handle)
        }
        if breakage == nil, self.handle != nil {
            if !isAlive || PQstatus(handle) == CONNECTION_BAD {
                breakage = (.connectionLost, ServerReply.message(of: handle))
            } else {
                flush(handle)
            }
        }
        settleBreakage()
    }

    /// Takes every reply that libpq has complete, also after the connection broke: what came before counts.
    private func drain(_ handle: OpaquePointer) {
        if copying != nil { return drainCopy(handle) }
        var emptyCount = 0
        // Between two statements' replies libpq returns NULL once; twice in a row there is nothing more.
        while breakage == nil, self.handle != nil, emptyCount < 2, PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else {
                emptyCount += 1
                continue
            }
            emptyCount = 0
            handleReply(result, handle)
        }
    }

    func handleReply(_ result: OpaquePointer, _ handle: OpaquePointer) {
        let action: PipelineStateMachine<Ticket, PostgresResult>.ReplyReceivedAction
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            let reply = PostgresResult(owning: result)
            action = machine.replyReceived(reply, isRollback: machine.isCommitNext && reply.commandTag == "ROLLBACK")
        case PGRES_FATAL_ERROR:
            defer { PQclear(result) }
            let error = ServerReply.error(of: result)
            guard error.sqlState != nil else {
                // Made by libpq, not sent by the server, so it says nothing about how far the server came.
                breakage = (.connectionLost, error.message)
                return
            }
            action = machine.failureReceived(error)
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
            action = machine.abortedReceived()
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            return handleSync(handle)
        default:
            PQclear(result)
            action = .discardConnection
        }
        if action == .discardConnection {
            breakage = (.protocolViolation, "a reply that was not owed")
        }
    }

    private func handleSync(_ handle: OpaquePointer) {
        // libpq tells the transaction's status only once it knows that nothing else is under way.
        if machine.owed.count == 1, let unexpected = PQgetResult(handle) { PQclear(unexpected) }
        switch machine.syncReceived(transaction: ServerReply.transactionStatus(of: handle)) {
        case .end(let ending): end(ending)
        case .discardConnection: breakage = (.protocolViolation, "a sync that was not owed")
        }
    }
}
