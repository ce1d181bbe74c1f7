internal import CLibpq

/// COPY: libpq can't have it in a pipeline, so the connection leaves that mode for as long as it takes.
extension Connection {
    /// Sends the statement; the rows follow when the server asks for them.
    func startCopy(_ rows: CopyRows, _ unit: SentUnit) {
        guard let handle else { return }
        machine.sent(.unit(unit), shape: rows.shape)
        copying = rows
        if PQexitPipelineMode(handle) == 1, PQsendQuery(handle, rows.sql) == 1 {
            flush(handle)
        } else {
            breakage = (.connectionLost, ServerReply.message(of: handle))
        }
        settleBreakage()
    }

    /// Takes every reply that libpq has complete.
    func drainCopy(_ handle: OpaquePointer) {
        while breakage == nil, self.handle != nil, copying != nil, PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else { return endCopy(handle) }
            if PQresultStatus(result) == PGRES_COPY_IN {
                PQclear(result)
                sendRows(handle)
            } else {
                handleReply(result, handle)
            }
        }
    }

    /// The server waits for the rows. libpq takes them all; the socket takes them as it can.
    private func sendRows(_ handle: OpaquePointer) {
        guard let data = copying?.data else { return }
        let trailer: [CChar] = [-1, -1]
        let isTaken = data.bytes.withUnsafeBytes { bytes in
            let start = bytes.bindMemory(to: CChar.self).baseAddress
            return PQputCopyData(handle, start, Int32(data.cursor)) == 1 && PQputCopyData(handle, trailer, 2) == 1
                && PQputCopyEnd(handle, nil) == 1
        }
        if isTaken {
            flush(handle)
        } else {
            breakage = (.connectionLost, ServerReply.message(of: handle))
        }
    }

    private func endCopy(_ handle: OpaquePointer) {
        let transaction = ServerReply.transactionStatus(of: handle)
        copying = nil
        guard PQenterPipelineMode(handle) == 1 else {
            breakage = (.connectionLost, ServerReply.message(of: handle))
            return
        }
        switch machine.simpleQueryEnded(transaction: transaction) {
        case .end(let ending): end(ending)
        case .discardConnection: breakage = (.protocolViolation, "a COPY ended without an answer")
        }
    }
}
