import Foundation
internal import Ledger

internal import enum Crypto.ChaChaPoly
internal import struct Crypto.SymmetricKey

/// What wraps accounts' data keys: the setting `RUNLEDGER_DATA_KEY`, and while it is being changed the one before it.
public struct MasterKeys: Sendable {
    /// Why a setting can't be taken.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// Which setting, and what it needs.
        public let description: String
    }

    /// The setting of the key that wraps.
    public static let setting = "RUNLEDGER_DATA_KEY"
    /// The setting of the key that wrapped before.
    public static let previousSetting = "RUNLEDGER_DATA_KEY_PREVIOUS"
    /// No master key: data keys are kept as they are, and what protects them is who may read their table.
    public static let none = MasterKeys()

    let current: MasterKey?
    let previous: MasterKey?

    private init() { (current, previous) = (nil, nil) }

    /// Reads the keys: 32 bytes each, as 64 hexadecimal digits or in Base64, or `file:` and the path of a file with either.
    ///
    /// - Parameters:
    ///   - current: wraps; nil or empty for none.
    ///   - previous: what older data keys were wrapped with; nil or empty for none.
    public init(current: String?, previous: String? = nil) throws(Fault) {
        self.current = try MasterKey(current, setting: Self.setting)
        self.previous = try MasterKey(previous, setting: Self.previousSetting)
    }

    /// Reads the two settings among a process's variables.
    public init(environment: [String: String]) throws(Fault) {
        try self.init(current: environment[Self.setting], previous: environment[Self.previousSetting])
    }

    /// Makes a master key, as the setting takes it.
    public static func makeSetting() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    /// Whether there is a master key.
    public var isEmpty: Bool { current == nil }

    /// The fingerprints of the keys there are.
    var fingerprints: [[UInt8]] { [current, previous].compactMap { $0?.fingerprint } }

    func key(_ fingerprint: [UInt8]) -> MasterKey? {
        [current, previous].compactMap(\.self).first { $0.fingerprint == fingerprint }
    }
}

/// A key that wraps data keys.
struct MasterKey: Sendable {
    /// 8 bytes that lead nowhere.
    let fingerprint: [UInt8]
    private let key: SymmetricKey

    init?(_ text: String?, setting: String) throws(MasterKeys.Fault) {
        guard var text = text?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else { return nil }
        if text.hasPrefix("file:") {
            let path = String(text.dropFirst("file:".count))
            guard let data = FileManager.default.contents(atPath: path) else {
                throw MasterKeys.Fault(description: "\(setting): the file \(path) can't be read")
            }
            text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard let bytes = Digest(hexadecimal: text)?.bytes ?? Data(base64Encoded: text).map(Array.init),
            bytes.count == 32
        else {
            throw MasterKeys.Fault(
                description:
                    "\(setting) must be 32 bytes, as 64 hexadecimal digits or in Base64, or file: and the path of "
                    + "a file with them (make one with: openssl rand -base64 32)"
            )
        }
        self.key = SymmetricKey(data: bytes)
        self.fingerprint = Array(Digest(of: Array("runledger master key".utf8) + bytes).bytes.prefix(8))
    }

    func wrap(_ dataKey: [UInt8], of account: AccountID) -> [UInt8] {
        Sealing.seal(dataKey, key, "data_keys wrapped_key \(account)")
    }

    func unwrap(_ wrapped: [UInt8], of account: AccountID) -> [UInt8]? {
        Sealing.open(wrapped, key, "data_keys wrapped_key \(account)")
    }
}

/// ChaCha20-Poly1305 with a random nonce. What is sealed opens only for the place that it was sealed for.
enum Sealing {
    static func seal(_ bytes: [UInt8], _ key: SymmetricKey, _ place: String) -> [UInt8] {
        guard let box = try? ChaChaPoly.seal(bytes, using: key, authenticating: Array(place.utf8)) else {
            preconditionFailure("a key of 32 bytes seals whatever fits into memory")
        }
        return Array(box.combined)
    }

    static func open(_ sealed: [UInt8], _ key: SymmetricKey, _ place: String) -> [UInt8]? {
        guard let box = try? ChaChaPoly.SealedBox(combined: sealed),
            let bytes = try? ChaChaPoly.open(box, using: key, authenticating: Array(place.utf8))
        else { return nil }
        return Array(bytes)
    }
}
