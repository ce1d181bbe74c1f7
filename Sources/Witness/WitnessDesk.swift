import Foundation
import Glibc
import Ledger
import LogFiles
public import TransparencyLog

/// What a witness remembers and signs. Its store is a folder of its own, with one note for each log.
///
/// One request is answered at a time, from looking at the size to forcing the new one to disk, so nothing in `add` waits for
/// anything but the disk. What is decided is on disk before a cosignature leaves.
public actor WitnessDesk {
    /// What is answered to a request, in HTTP's terms.
    public struct Answer: Hashable, Sendable {
        /// The status.
        public let status: Int
        /// The media type.
        public let contentType: String
        /// The body.
        public let body: String
    }

    private let signer: NoteSigner
    private let logs: [NoteVerifier]
    private let store: LogFolder
    private let clock: @Sendable () -> UInt64
    private let lock: Int32
    private var states: [String: WitnessState] = [:]

    /// Opens a witness.
    ///
    /// - Parameters:
    ///   - signer: its key.
    ///   - logs: keys of the ledgers that it witnesses: their own log and those of their journals.
    ///   - folder: where it keeps what it has cosigned.
    ///   - clock: seconds since the Unix epoch.
    /// - Throws: a `LogUnavailable` when another process uses the folder.
    public init(
        signer: NoteSigner,
        logs: [NoteVerifier],
        folder: String,
        clock: @escaping @Sendable () -> UInt64
    ) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let lock = open("\(folder)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            if lock >= 0 { close(lock) }
            throw LogUnavailable(description: "\(folder) is in use by another witness, or can't be written")
        }
        self.signer = signer
        self.logs = logs
        self.store = LogFolder(folder)
        self.clock = clock
        self.lock = lock
    }

    deinit { close(lock) }

    /// Answers `add-checkpoint`.
    ///
    /// - Throws: when the store can't be read or written; nothing is signed then.
    public func add(_ body: String) throws -> Answer {
        guard let request = WitnessRequest(body: body), let offered = Checkpoint(text: request.checkpoint.text) else {
            return .text(400, "the body is no old size, proof and checkpoint")
        }
        guard let log = logs.lazy.compactMap({ LedgerLogs.verifier(ofOrigin: offered.origin, ledger: $0) }).first else {
            return .text(404, "\(offered.origin) is not witnessed here")
        }
        var state = try state(of: log)
        switch state.answer(request) {
        case .sizesReversed: return .text(400, "the old size is larger than the checkpoint's")
        case .notSigned: return .text(403, "the checkpoint is not signed by the log's key")
        case .conflict(let size): return Answer(status: 409, contentType: "text/x.tlog.size", body: "\(size)\n")
        case .proofFails: return .text(422, "the proof does not hold")
        case .cosign(let text):
            let signature = try signer.sign(text, atSeconds: clock())
            var note = request.checkpoint
            note.signatures = [signature]
            try store.writeNow(Array(note.description.utf8), to: Self.file(of: log.name))
            states[log.name] = state
            return Answer(status: 200, contentType: "text/plain; charset=utf-8", body: signature.line)
        }
    }

    /// What was cosigned last of a log, as it is on disk.
    private func state(of log: NoteVerifier) throws -> WitnessState {
        if let known = states[log.name] { return known }
        var latest: Checkpoint?
        let file = Self.file(of: log.name)
        if let bytes = try store.readNow(file) {
            // A store that can't be trusted must not start again from nothing: that would be another tree.
            guard let note = SignedNote(String(decoding: bytes, as: UTF8.self)),
                note.signature(by: signer.verifier) != nil, let stored = Checkpoint(text: note.text),
                stored.origin == log.name
            else { throw LogFileDamaged(path: file, reason: "is not what this witness has cosigned") }
            latest = stored
        }
        let state = WitnessState(log: log, latest: latest)
        states[log.name] = state
        return state
    }

    private static func file(of origin: String) -> String { "logs/\(Digest(of: Array(origin.utf8)))" }
}

extension WitnessDesk.Answer {
    static func text(_ status: Int, _ reason: String) -> Self {
        Self(status: status, contentType: "text/plain; charset=utf-8", body: reason + "\n")
    }
}
