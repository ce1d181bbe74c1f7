import Crypto
package import Ledger

/// Answers that show a secret, kept so that only the same request opens them: with the caller's token and its idempotency
/// key, of which the ledger has digests only (docs/decisions/0029).
package struct AnswerSeal {
    private let key: SymmetricKey

    /// Makes a seal.
    ///
    /// - Parameters:
    ///   - token: what the caller proves who it is with: random, 32 characters or more.
    ///   - idempotencyKey: the key without quotes.
    package init(token: String, idempotencyKey: String) {
        self.key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(token.utf8)),
            salt: Array(idempotencyKey.utf8),
            info: Array("runledger answer 1".utf8),
            outputByteCount: 32
        )
    }

    /// 32 bytes that only the same request leads to, for a secret that has to be the same when it is made again.
    package func secretBytes(for command: CommandID) -> [UInt8] {
        let derived = HKDF<SHA256>.expand(
            pseudoRandomKey: key,
            info: Array("runledger secret \(command)".utf8),
            outputByteCount: 32
        )
        return derived.withUnsafeBytes { Array($0) }
    }

    /// The answer with its body sealed by ChaCha20-Poly1305, under a random nonce.
    package func close(_ answer: RecordedAnswer) -> RecordedAnswer {
        guard let box = try? ChaChaPoly.seal(answer.body, using: key) else {
            preconditionFailure("a key of 32 bytes seals whatever fits into memory")
        }
        return RecordedAnswer(status: answer.status, headers: answer.headers, body: Array(box.combined))
    }

    /// The answer as it was given; nil for another caller's, or one that was changed.
    package func open(_ answer: RecordedAnswer) -> RecordedAnswer? {
        guard let box = try? ChaChaPoly.SealedBox(combined: answer.body),
            let body = try? ChaChaPoly.open(box, using: key)
        else { return nil }
        return RecordedAnswer(status: answer.status, headers: answer.headers, body: Array(body))
    }
}
