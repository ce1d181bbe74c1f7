internal import Foundation

/// Where the files lie that describe the API: those built into the program, or a folder's.
public enum OpenAPIFiles {
    /// The environment's variable that names a folder to read instead of what was built in.
    public static let folderVariable = "RUNLEDGER_OPENAPI_DIR"

    /// The folder with `document.yaml`, `errors.yaml`, `docs.css` and `paths`.
    public static func folder() -> String {
        if let folder = ProcessInfo.processInfo.environment[folderVariable], !folder.isEmpty { return folder }
        // Beside the executable first: the generated accessor also knows the build folder, and traps without either.
        let beside = Bundle.main.bundleURL.appendingPathComponent("runledger_OpenAPIFiles.resources").path
        if FileManager.default.fileExists(atPath: beside) { return beside }
        return Bundle.module.resourcePath ?? Bundle.module.bundlePath
    }

    /// The style of the reference page.
    ///
    /// - Throws: what Foundation says of a file that can't be read.
    public static func style() throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: folder() + "/docs.css")))
    }
}
