internal import Crypto
internal import FoundationEssentials
import Synchronization

/// Looks whether definition files have changed, and reads them again when they have. A change that can't be read or may
/// not be made leaves the registry in use as it is.
public final class RegistryReloader: Sendable {
    /// What a look has led to.
    public enum Outcome: Sendable {
        /// The files are what they were at the last look.
        case unchanged
        /// The files were read, and their definitions are in use.
        case reloaded(RegistryChange)
        /// The files were read, and something is wrong with them. Told once for each state of the files.
        case refused(RegistryError)
    }

    private let catalogue: ModelCatalogue
    private let folders: [String]
    private let load: @Sendable () throws(RegistryError) -> ModelRegistry
    private let lastSeen = Mutex<[UInt8]?>(nil)

    /// Makes a reloader.
    ///
    /// - Parameters:
    ///   - catalogue: gets what was read.
    ///   - folders: whose `*.yaml` files are looked at, definitions of models and of providers.
    ///   - load: reads and validates them.
    public init(
        catalogue: ModelCatalogue,
        folders: [String],
        load: @escaping @Sendable () throws(RegistryError) -> ModelRegistry
    ) {
        self.catalogue = catalogue
        self.folders = folders
        self.load = load
    }

    /// Reads the files when they have changed since the last look, and at the first one. Blocks while it reads: some
    /// dozens of small files.
    ///
    /// - Parameter evenIfUnchanged: whether to read them in any case, as an operator may ask for.
    public func look(evenIfUnchanged: Bool = false) -> Outcome {
        lastSeen.withLock { lastSeen in
            let digest = Self.digest(of: folders)
            guard evenIfUnchanged || digest != lastSeen else { return .unchanged }
            lastSeen = digest
            do throws(RegistryError) {
                return .reloaded(try catalogue.replace(with: try load()))
            } catch {
                return .refused(error)
            }
        }
    }

    /// SHA-256 over the names and contents of the files: an edit within a tick of the clock that keeps a file's size is
    /// seen, too.
    private static func digest(of folders: [String]) -> [UInt8] {
        var hash = SHA256()
        for folder in folders {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            for name in names.sorted() where name.hasSuffix(".yaml") {
                let contents = FileManager.default.contents(atPath: folder + "/" + name)
                hash.update(data: Array("\(folder)/\(name)\u{0}\(contents?.count ?? -1)\u{0}".utf8))
                hash.update(data: contents ?? Data())
            }
        }
        return Array(hash.finalize())
    }
}
