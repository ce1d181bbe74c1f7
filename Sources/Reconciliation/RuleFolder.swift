internal import Foundation

extension BuiltInRules {
    /// Where the files lie that were built in.
    static var folder: String {
        // Beside the executable first: the generated accessor also knows the build folder, and traps without either.
        let beside = Bundle.main.bundleURL.appendingPathComponent("runledger_Reconciliation.resources").path
        let bundle = FileManager.default.fileExists(atPath: beside) ? beside : Bundle.module.resourcePath
        return (bundle ?? Bundle.module.bundlePath) + "/Mappings"
    }
}
