public import AsyncHTTPClient
public import Ledger
import NIOCore
import NIOHTTP1
public import TransparencyLog

/// Why a checkpoint is not published: its witnesses have not cosigned it.
public enum WitnessRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// A witness knows a tree that this one does not extend. Nothing may be published before somebody has looked.
    case conflict(witness: String, status: Int, reason: String)
    /// Too few witnesses answered. It may be tried again.
    case quorumMissed(reasons: [String])

    /// What is wrong, for whoever operates the log.
    public var description: String {
        switch self {
        case .conflict(let witness, let status, let reason):
            "the witness \(witness) refuses with \(status): \(reason)"
        case .quorumMissed(let reasons):
            "too few witnesses have cosigned: \(reasons.isEmpty ? "none has a URL" : reasons.joined(separator: "; "))"
        }
    }
}

/// The witnesses of a policy, asked over HTTP (c2sp.org/tlog-witness).
public actor WitnessCircle {
    private let policy: WitnessPolicy
    private let client: HTTPClient
    /// By log and witness, the size that the witness cosigned last, as far as this process knows.
    private var sizes: [String: UInt64] = [:]
    /// Until when a witness that did not answer is asked only if there is no quorum without it.
    private var silentUntil: [NoteVerifier: ContinuousClock.Instant] = [:]

    /// Takes a policy. Witnesses without a URL are not asked.
    public init(policy: WitnessPolicy, client: HTTPClient) {
        self.policy = policy
        self.client = client
    }

    /// Has a checkpoint cosigned by as many as answer.
    ///
    /// - Parameters:
    ///   - note: the checkpoint, signed by the log.
    ///   - checkpoint: what it says.
    ///   - proof: the consistency proof from a size.
    /// - Returns: the note with the cosignatures.
    /// - Throws: a `WitnessRefusal`, or what the proof throws.
    public func cosign(
        _ note: SignedNote,
        _ checkpoint: Checkpoint,
        proof: @escaping @Sendable (UInt64) async throws -> [Digest]
    ) async throws -> SignedNote {
        var cosigned = note
        var reasons: [String] = []
        let now = ContinuousClock.now
        let last = policy.witnesses.filter { (silentUntil[$0.key] ?? now) > now }
        for witness in policy.witnesses.filter({ !last.contains($0) }) + last {
            guard let url = witness.url, !last.contains(witness) || !policy.isMet(by: cosigned) else { continue }
            do {
                cosigned.signatures += try await ask(witness.key, url, note, checkpoint, proof)
                silentUntil[witness.key] = nil
            } catch let refusal as WitnessRefusal {
                throw refusal
            } catch {
                reasons.append("\(witness.key.name): \(error)")
                silentUntil[witness.key] = .now + .seconds(30)
            }
        }
        guard policy.isMet(by: cosigned) else { throw WitnessRefusal.quorumMissed(reasons: reasons) }
        return cosigned
    }

    private func ask(
        _ key: NoteVerifier,
        _ url: String,
        _ note: SignedNote,
        _ checkpoint: Checkpoint,
        _ proof: @Sendable (UInt64) async throws -> [Digest]
    ) async throws -> [SignedNote.Signature] {
        let place = "\(checkpoint.origin) \(key.name)"
        var old = min(sizes[place] ?? 0, checkpoint.size)
        // Twice: a witness that knows another size says so, and is asked again from there.
        for attempt in 0..<2 {
            let request = WitnessRequest(oldSize: old, proof: try await proof(old), checkpoint: note)
            let (status, body) = try await post(request, to: url)
            switch status {
            case 200:
                guard let answer = SignedNote(note.text + "\n" + body), let signature = answer.signature(by: key) else {
                    throw LogUnavailable(description: "the answer has no cosignature by its key")
                }
                sizes[place] = checkpoint.size
                return [signature]
            case 409:
                guard let size = UInt64(body.filter { !$0.isWhitespace }) else { break }
                guard size <= checkpoint.size, size != old, attempt == 0 else {
                    let reason =
                        size > checkpoint.size
                        ? "it has cosigned \(size) entries, and here are \(checkpoint.size)"
                        : "it has cosigned another root over \(size) entries"
                    throw WitnessRefusal.conflict(witness: key.name, status: 409, reason: reason)
                }
                old = size
                continue
            case 422:
                throw WitnessRefusal.conflict(
                    witness: key.name,
                    status: 422,
                    reason: "the tree does not extend the \(old) entries that it has cosigned"
                )
            default: break
            }
            throw LogUnavailable(description: "it answers \(status)")
        }
        throw LogUnavailable(description: "its size changes from one answer to the next")
    }

    private func post(_ request: WitnessRequest, to url: String) async throws -> (status: Int, body: String) {
        var message = HTTPClientRequest(url: (url.hasSuffix("/") ? String(url.dropLast()) : url) + "/add-checkpoint")
        message.method = .POST
        message.headers.add(name: "content-type", value: "text/plain; charset=utf-8")
        message.body = .bytes(ByteBuffer(string: request.body))
        let response = try await client.execute(message, timeout: .seconds(5))
        let body = try await response.body.collect(upTo: 65_536)
        return (Int(response.status.code), String(buffer: body))
    }
}
