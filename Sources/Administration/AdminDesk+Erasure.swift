public import Ledger
public import LedgerStore
public import Registry

extension Erasure {
    /// The erasure as operators read it.
    public var json: JSONValue {
        [
            "state": .string(finishedAt == nil ? "erasing" : "erased"), "decidedAt": .string(decidedAt.rfc3339),
            "rows": .object(rows.mapValues { .integer($0) }),
            "rowsDoneAt": rowsDoneAt.map { .string($0.rfc3339) } ?? .null, "files": .integer(files),
            "finishedAt": finishedAt.map { .string($0.rfc3339) } ?? .null,
        ]
    }
}

/// What is erased, and what has become of it.
public struct ErasureView: Sendable {
    /// How far it has come.
    public let progress: Erasure
    /// The certificate: the event that decided it.
    public let event: Event
    /// Whether it had been decided before.
    public let isRepeat: Bool

    /// The certificate and the progress as operators read them.
    public var json: JSONValue {
        let certificate = event.content.erasure
        let actor = event.content.detail?["actor"]?.stringValue
        return [
            "account": .string("\(event.content.accountID)"), "repeated": .bool(isRepeat), "progress": progress.json,
            "certificate": [
                "journal": .integer(Int64(event.journal.number)), "position": .integer(event.position),
                "sequence": .integer(event.sequence), "hash": .string("\(event.hash)"),
                "recordedAt": .string(event.content.recordedAt.rfc3339), "by": actor.map { .string($0) } ?? .null,
                "keyFingerprint": certificate?.keyFingerprint.map { .string("\($0)") } ?? .null,
                "found": .object((certificate?.found ?? [:]).mapValues { .integer($0) }),
            ],
        ]
    }
}

/// Erasing accounts.
extension AdminDesk {
    /// Erases what is kept of the persons behind a closed account: the key that it is sealed under at once, its rows before
    /// this returns, its files by a running service.
    public func erase(_ account: AccountID, _ call: AdminCall) async throws(AdminFailure) -> ErasureView {
        let verdict = try await asking { () async throws(LedgerStoreError) in
            try await store.decideErasure(of: account, by: call.actor, request: call.requestID)
        }
        if case .refused(let refusal, _) = verdict { throw .refused(refusal) }
        try await asking { () async throws(LedgerStoreError) in try await store.eraseRows(of: account) }
        guard let view = try await erasure(of: account, isRepeat: verdict == .alreadyDone) else {
            throw .notFound("an erasure of this account")
        }
        return view
    }

    /// How far an account's erasure has come, with its certificate; nil when none was decided.
    public func erasure(
        of account: AccountID,
        isRepeat: Bool = true
    ) async throws(AdminFailure) -> ErasureView? {
        let progress = try await asking { () async throws(LedgerStoreError) in try await store.erasure(of: account) }
        guard let progress else { return nil }
        let event = try await asking { () async throws(LedgerStoreError) in
            try await store.erasureEvent(of: account)
        }
        guard let event else { return nil }
        return ErasureView(progress: progress, event: event, isRepeat: isRepeat)
    }

    /// The texts that events of an account name by commitments, by what stands in their place.
    public func texts(of account: AccountID, in events: [Event]) async throws(AdminFailure) -> [String: String] {
        let places = events.flatMap { event in
            ["name", "reason"].compactMap { event.content.detail?[$0]?.stringValue }
        }
        return try await asking { () async throws(LedgerStoreError) in
            try await store.privateTexts(of: account, in: places)
        }
    }
}
