public import Ledger
public import LedgerStore
public import LogFiles
public import TransparencyLog

/// Every log of a ledger: where they are and who signs them.
public struct LedgerLogSet: Sendable {
    /// The ledger.
    public let store: LedgerStore
    /// The files.
    public let storage: any LogStorage
    private let signer: NoteSigner
    private let witnesses: WitnessCircle?

    /// Names the logs.
    ///
    /// - Parameters:
    ///   - store: the ledger.
    ///   - storage: their files.
    ///   - signer: the ledger's key, under the ledger's public name.
    ///   - witnesses: who cosigns; nil for nobody.
    public init(store: LedgerStore, storage: any LogStorage, signer: NoteSigner, witnesses: WitnessCircle? = nil) {
        self.store = store
        self.storage = storage
        self.signer = signer
        self.witnesses = witnesses
    }

    /// The key that auditors need.
    public var verifier: NoteVerifier { signer.verifier }

    /// The ledger's own log.
    public var ledger: PublishedLog {
        PublishedLog(of: CheckpointSource(in: store), storage: storage, signer: signer, witnesses: witnesses)
    }

    /// A journal's log.
    public func log(of journal: JournalID) -> PublishedLog {
        PublishedLog(
            of: JournalSource(journal, in: store),
            storage: storage,
            prefix: LedgerLogs.prefix(ofJournal: journal.number),
            signer: signer(of: journal),
            witnesses: witnesses
        )
    }

    /// One of them.
    public subscript(id: LogID) -> PublishedLog {
        switch id {
        case .ledger: ledger
        case .journal(let journal): log(of: journal)
        }
    }

    /// The ledger's key under the name of a journal's log.
    func signer(of journal: JournalID) -> NoteSigner {
        let origin = LedgerLogs.origin(ofJournal: journal.number, ledger: signer.verifier.name)
        guard let named = signer.named(origin) else { preconditionFailure("\(origin) is no name of a key") }
        return named
    }

    /// The receipts of every event of a run so far, from the request to what it was charged, and that of the checkpoint that
    /// they are in.
    ///
    /// They stand under the journal's latest checkpoint that the published ledger's log holds, if that has all of them, else
    /// under the journal's own, and then do not go further up.
    ///
    /// - Returns: nil while one of the events isn't published.
    public func receipt(of execution: Execution, account: AccountID) async throws -> ReceiptBundle? {
        let events = try await store.events(of: execution, account: account)
        guard let journal = events.first?.journal, let last = events.last?.position else { return nil }
        let log = log(of: journal)
        var above: LogProof?
        if let size = try await ledger.publishedCheckpoint()?.size,
            let record = try await store.logCheckpoint(of: journal, upTo: Int64(size)), record.size >= last
        {
            above = try await ledger.receipt(at: record.position)
        }
        let note = above.flatMap { $0.extra }.flatMap { SignedNote(String(decoding: $0, as: UTF8.self)) }
        guard var proofs = try await log.receipts(at: events.map(\.position), under: note) else { return nil }
        if let above { proofs.append(above) }
        return ReceiptBundle(proofs)
    }
}
