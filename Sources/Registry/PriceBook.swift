import Foundation

extension ModelRegistry {
    /// Reads definitions for their prices alone: no provider is ever spoken to, so variables without a value or a default
    /// are given one.
    ///
    /// - Parameters: as `load(folder:providersFolder:variables:)`.
    public static func priceBook(
        folder: String,
        providersFolder: String? = nil,
        variables: [String: String] = [:]
    ) throws(RegistryError) -> ModelRegistry {
        let models = try DefinitionFile.all(in: folder, "model")
        let providers = try DefinitionFile.all(in: providersFolder ?? Self.providersFolder(beside: folder), "provider")
        var values = variables
        for file in models + providers {
            for match in file.text.matches(of: /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/) where values[String(match.1)] == nil {
                // One that may stand for an address as well as for a secret.
                values[String(match.1)] = "https://price-book.invalid"
            }
        }
        return try load(files: models, providers: providers, variables: values)
    }
}
