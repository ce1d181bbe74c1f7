public import Crypto
import Ledger
import ObjectStorage

/// The names of a run's objects: the same each time, and not to be guessed from the run's id.
///
/// `yyyy/mm/dd/EXECUTION/TAG/INDEX.EXT`, the day being the UTC day of the run's admission, which its id carries. Whoever
/// knows the name can read the object, and ids are not secret, so a tag of 80 bits is made from the id and a key.
public struct MediaNames: Sendable {
    private let key: SymmetricKey

    /// Makes names with a key that stays the same for as long as runs are copied again.
    public init(key: SymmetricKey) { self.key = key }

    func name(of executionID: ExecutionID, index: Int, _ type: MediaType) -> ObjectName {
        let tag = HMAC<SHA256>.authenticationCode(for: Array("\(executionID)".utf8), using: key).prefix(10)
            .map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        guard let name = ObjectName("\(Self.folder(of: executionID))/\(tag)/\(index).\(type.fileExtension)") else {
            preconditionFailure("digits, letters and hyphens make a name")
        }
        return name
    }

    /// What the names of all objects of a run begin with.
    static func folder(of executionID: ExecutionID) -> ObjectName {
        // A UUID version 7 begins with 48 bits of milliseconds.
        let seconds = Int64(executionID.value.high >> 16) / 1_000
        let date = SigV4.Time(unixSeconds: seconds).date
        let folder = "\(date.prefix(4))/\(date.dropFirst(4).prefix(2))/\(date.suffix(2))/\(executionID)"
        guard let name = ObjectName(folder) else {
            preconditionFailure("digits, letters and hyphens make a name")
        }
        return name
    }
}
