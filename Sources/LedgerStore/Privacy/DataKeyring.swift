internal import Ledger
import Postgres
internal import Synchronization

/// The data keys that a process has used, so that the path of a run asks for each account's once.
final class DataKeyring: Sendable {
    let masters: MasterKeys
    private let state = Mutex(State())
    /// Keys that are remembered; about 200 bytes each.
    private static let most = 100_000

    private struct State {
        var keys: [AccountID: DataKey] = [:]
        var isChecked = false
    }

    init(masters: MasterKeys) { self.masters = masters }

    func known(_ account: AccountID) -> DataKey? { state.withLock { $0.keys[account] } }

    func remember(_ key: DataKey) {
        state.withLock { state in
            if state.keys.count >= Self.most { state.keys.removeAll(keepingCapacity: true) }
            state.keys[key.account] = key
        }
    }

    func forget(_ accounts: [AccountID]) {
        state.withLock { state in
            for account in accounts { state.keys[account] = nil }
        }
    }

    /// Whether the master keys were found to fit the ledger.
    var isChecked: Bool {
        get { state.withLock(\.isChecked) }
        set { state.withLock { $0.isChecked = newValue } }
    }

    /// The data key in a row; nil when it was destroyed.
    func open(_ kept: KeptDataKey, of account: AccountID) throws(LedgerStoreError) -> DataKey? {
        try unwrapped(kept, of: account).map { DataKey($0, of: account) }
    }

    /// The bytes of the data key in a row; nil when it was destroyed.
    func unwrapped(_ kept: KeptDataKey, of account: AccountID) throws(LedgerStoreError) -> [UInt8]? {
        guard let wrapped = kept.wrapped else { return nil }
        guard let master = kept.master else { return wrapped }
        guard let key = masters.key(master) else { throw .foreignMaster(master) }
        guard let bytes = key.unwrap(wrapped, of: account) else {
            throw LedgerStoreError(
                .damaged,
                outcome: .rolledBack,
                "the data key of account \(account) is not what \(MasterKeys.setting) wrapped"
            )
        }
        return bytes
    }

    /// A data key as it is kept.
    func wrap(_ bytes: [UInt8], of account: AccountID) -> KeptDataKey {
        guard let current = masters.current else { return KeptDataKey(master: nil, wrapped: bytes) }
        return KeptDataKey(master: current.fingerprint, wrapped: current.wrap(bytes, of: account))
    }
}

extension LedgerStoreError {
    static func foreignMaster(_ fingerprint: [UInt8]) -> LedgerStoreError {
        let name = fingerprint.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        return LedgerStoreError(
            .locked,
            outcome: .notSent,
            "\(MasterKeys.setting) is not the key that the ledger's data keys are wrapped with (fingerprint \(name)); set it to "
                + "that key, or \(MasterKeys.previousSetting) while keys are being wrapped anew"
        )
    }
}
