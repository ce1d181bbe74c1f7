import Foundation
import Registry

/// One model for each vendor, in the shape that the shipped definitions of the vendors expect.
let vendorModels: [DefinitionFile] = [
    model("fal-video", type: "video", use: "fal", extra: "model: fal-ai/kling-video/v3"),
    model(
        "claude",
        type: "text",
        use: "anthropic",
        extra: """
            model: claude-1
              inputs: {max_tokens: 50, messages: [{role: user, content: "{inputs.prompt}"}]}
            """
    ),
    model("openai-image", type: "image", use: "openai-images", extra: "model: gpt-image-9"),
    model(
        "seedance",
        type: "video",
        use: "ark",
        extra: """
            model: seedance-2
              inputs:
                content:
                  - {type: text, text: "{inputs.prompt}"}
                  - {$each: "{inputs.images}", as: {type: image_url, image_url: {url: "{item}"}, role: reference_image}}
            """
    ),
    model("kie-image", type: "image", use: "kie-jobs", extra: "model: painter"),
    model("suno-song", type: "audio", use: "suno", extra: "model: V5"),
    model("kling-old", type: "video", use: "kling", extra: "model: kling-v2\n  path: /v1/videos/text2video"),
    model("kling-new", type: "video", use: "kling-3", extra: "path: /text-to-video/kling-3.0"),
    model("replicated", type: "image", use: "replicate", extra: "model: acme/painter"),
]

private func model(_ name: String, type: String, use: String, extra: String) -> DefinitionFile {
    DefinitionFile(
        name: "\(name).yaml",
        text: """
            internalName: \(name)
            displayName: \(name)
            type: \(type)
            requiredTier: free
            version: 1
            unresolved: {holdSeconds: 60, policy: release}
            inputs:
              prompt: {type: string, required: true, maxLength: 1000}
              images: {type: array, items: {type: url}, maxItems: 4}
            price: {version: 1, rule: perCall, credits: "1", wholesaleMicroUSD: 700}
            provider:
              use: \(use)
              \(extra)
              poll: {firstMilliseconds: 2, intervalMilliseconds: 5, ceilingMilliseconds: 20}
            """.replacingOccurrences(
                of: "\n  poll: {firstMilliseconds: 2",
                with: ["anthropic", "openai-images"].contains(use) ? "\n#" : "\n  poll: {firstMilliseconds: 2"
            )
    )
}
