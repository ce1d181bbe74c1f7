import Foundation
import Ledger
import OpenAPIFiles
import TestSupport
import Testing

/// The codes that the sources of the HTTP interface name, and copies of the description to be damaged.
enum SourceCodes {
    /// Refusals of the ledger that routes answer with.
    static let refusals: [Refusal] = [
        .accountNotApproved, .invalidSlug, .invalidBody, .invalidInputs, .modelNotFound, .asyncNotSupported,
        .executionUnknown, .rateLimited(tier: .pro), .grantExhausted(.runs(granted: 1, used: 1)),
        .insufficientCredits(required: .zero, available: .zero), .executionNotCancellable(.succeeded),
        .modelTierRequired(required: .pro, tier: .free), .idempotencyMismatch, .accountUnknown, .accountClosed,
        .accountInUse, .accountOpen, .nameInvalid, .keysNotAllowed(tier: .free), .capabilityCountInvalid, .potUnknown,
        .amountInvalid, .adjustmentTooLarge(available: .zero), .expiryInPast, .expiryInvalid, .grantUnknown,
        .allowanceMissing(tier: .pro), .workflowNotFound, .workflowSlugTaken, .workflowChanged,
        .workflowLimitReached,
    ]

    /// Those in quotes in `Sources/RunAPI` and `Sources/AdminAPI`, and those of ``refusals``.
    static func read() throws -> Set<String> {
        var codes = Set(refusals.map(\.code))
        if let capability = Capability("model:run") {
            codes.insert(Refusal.capabilityAboveCeiling(capability, tier: .pro).code)
        }
        for target in ["RunAPI", "AdminAPI"] {
            let folder = "\(PythonTools.sources)/Sources/\(target)"
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".swift") {
                let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
                for match in text.matches(of: /(?:code: |invalid\(\s*)"([A-Z]{2}[A-Z_]+)"/) {
                    codes.insert(String(match.1))
                }
            }
        }
        return codes
    }

    /// Copies the description into a folder and returns where it is.
    static func copyDescription(to folder: String) throws -> String {
        let copy = "\(folder)/openapi"
        try FileManager.default.copyItem(atPath: OpenAPIFiles.folder(), toPath: copy)
        return copy
    }

    /// Replaces the first place of a text in a file; fails when there is none.
    static func replace(_ text: String, with other: String, in path: String) throws {
        let old = try String(contentsOfFile: path, encoding: .utf8)
        let place = try #require(old.range(of: text), "\(text) is not in \(path)")
        try old.replacingCharacters(in: place, with: other).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
