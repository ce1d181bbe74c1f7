import Ledger
import Registry
import Testing

/// What the shipped models refuse, and what they make of inputs for their providers.
@Suite("shipped models")
struct ShippedModelTests {
    private static let registry = try? ModelRegistry.load(folder: modelsFolder, variables: variables)

    private func model(_ row: TableRow) throws -> (model: ModelDefinition, inputs: String) {
        let name = String(row.left.prefix { $0 != " " })
        return (
            try #require(Self.registry?.model(named: name), "no model \(name)"), String(row.left.dropFirst(name.count))
        )
    }

    @Test("the shipped definitions are valid, and lack nothing but configuration")
    func shipped() throws {
        let registry = try ModelRegistry.load(folder: modelsFolder, variables: RegistryTests.variables)
        let asynchronous = registry.models.filter(\.supportsAsync).map(\.internalName)
        #expect(
            registry.models.map(\.internalName) == [
                "claude-sonnet", "draft-image", "flux-1-1-pro", "gemini-3-1-flash-lite", "gpt-5-4-mini", "gpt-image-2",
                "gpt-image-2-direct", "kling-2-5-turbo-pro", "kling-o3-ref2v", "kling-v3-i2v", "kling-v3-motion",
                "nano-banana-2", "seedance-2-0", "seedance-2-0-fast", "seedance-2-0-full-access", "seedream-v5",
                "studio-preview", "suno-v5",
            ]
        )
        // Only definitions of the kind HTTP with polling run asynchronously.
        #expect(
            asynchronous == [
                "flux-1-1-pro", "gpt-image-2", "kling-2-5-turbo-pro", "seedance-2-0", "seedance-2-0-fast",
                "seedance-2-0-full-access", "studio-preview", "suno-v5",
            ]
        )
        #expect(registry.model(named: "studio-preview")?.requiredTier == .enterprise)
        do {
            _ = try ModelRegistry.load(folder: modelsFolder, variables: [:])
            Issue.record("loaded without configuration")
        } catch {
            #expect(error.issues.allSatisfy { $0.message.hasSuffix("which the configuration lacks") })
            // One for each key, and the addresses of the two that have none by default.
            #expect(error.issues.count == 13)
        }
    }

    @Test(
        "inputs that a provider would refuse are refused before, with every problem named",
        arguments: table(
            #"""
            gpt-image-2 {"prompt":"x","aspect_ratio":"1:1","resolution":"4K"} -> resolution must be one of "1K", "2K" when aspect_ratio is "1:1"
            gpt-image-2 {"prompt":"x","n":2,"quality":"best"} -> quality must be one of "low", "medium", "high"; n is not a field of this model
            seedance-2-0-full-access {"prompt":"x","duration":5} -> duration must be a whole number in a string, not a number
            seedance-2-0-full-access {"prompt":"x","duration":"16"} -> duration must be a whole number between 4 and 15 in a string
            seedance-2-0-full-access {"prompt":"x","type":"image-to-video"} -> first_frame_url is required when type is "image-to-video"
            seedance-2-0-full-access {"prompt":"x","type":"reference-to-video"} -> inputs must have at least one of reference_image_urls, reference_video_urls when type is "reference-to-video"
            seedance-2-0-full-access {"prompt":"x","first_frame_url":"https://a/b"} -> first_frame_url can't be given when type is "text-to-video"
            seedance-2-0 {"prompt":"x","last_frame_url":"https://a/b"} -> first_frame_url is required with last_frame_url
            suno-v5 {"customMode":true} -> style is required when customMode is true; title is required when customMode is true; prompt is required when customMode is true and instrumental is false
            suno-v5 {"title":"x"} -> prompt is required when customMode is false; title can't be given when customMode is false
            kling-v3-i2v {"start_image_url":"https://a/b","prompt":"x","multi_prompt":[{"prompt":"y"}]} -> inputs must have exactly one of prompt, multi_prompt, not prompt, multi_prompt
            kling-v3-i2v {"start_image_url":"https://a/b","multi_prompt":[{"prompt":"y"},{"text":"z"}]} -> multi_prompt[1].prompt is required; multi_prompt[1].text is not a field of this object
            kling-v3-i2v {"start_image_url":"https://a/b","prompt":"x","elements":[{"reference_image_urls":["https://a/b"],"video_url":"https://a/b"}]} -> elements[0].frontal_image_url is required with reference_image_urls
            kling-o3-ref2v {"prompt":"x","end_image_url":"https://a/b"} -> inputs must have at least one of start_image_url, image_urls, elements; start_image_url is required with end_image_url
            gpt-image-2-direct {"prompt":"x","output_compression":50} -> output_compression can't be given when output_format is "png"
            claude-sonnet {"prompt":"x","max_tokens":16001} -> max_tokens must be between 1 and 16000
            """#
        )
    )
    func refused(row: TableRow) throws {
        let (model, inputs) = try model(row)
        #expect(try verdict(model, inputs) == row.right)
    }

    @Test(
        "inputs at the edge of the rules are taken",
        arguments: [
            ("suno-v5", #"{"prompt":"\#(String(repeating: "x", count: 500))"}"#),
            ("suno-v5", #"{"customMode":true,"instrumental":true,"style":"x","title":"y"}"#),
            (
                "suno-v5",
                #"{"customMode":true,"style":"x","title":"y","prompt":"\#(String(repeating: "x", count: 5_000))"}"#
            ),
            ("gpt-image-2", #"{"prompt":"x","aspect_ratio":"1:1","resolution":"2K"}"#),
            ("gpt-image-2", #"{"prompt":"x","resolution":"4K"}"#),
            ("seedance-2-0-full-access", #"{"prompt":"x","duration":"5","type":"text-to-video"}"#),
        ]
    )
    func accepted(name: String, inputs: String) throws {
        let model = try #require(Self.registry?.model(named: name))
        #expect(model.validate(try JSONValue(text: inputs)).isValid)
    }

    @Test(
        "each provider is sent what it asks for, in its own words",
        arguments: table(
            #"""
            gpt-image-2 {"prompt":"x"} -> {"input":{"aspect_ratio":"auto","prompt":"x","quality":"medium","resolution":"1K"},"model":"gpt-image-2-text-to-image"}
            seedance-2-0-full-access {"prompt":"x","duration":"7"} -> {"input":{"aspect_ratio":"16:9","duration":"7","generate_audio":true,"prompt":"x","resolution":"720p"},"model":"bytedance/seedance-2"}
            seedance-2-0 {"prompt":"x","duration":"7","reference_image_urls":["https://a/b","https://a/c"]} -> {"content":[{"text":"x","type":"text"},{"image_url":{"url":"https://a/b"},"role":"reference_image","type":"image_url"},{"image_url":{"url":"https://a/c"},"role":"reference_image","type":"image_url"}],"duration":7,"generate_audio":true,"model":"dreamina-seedance-2-0-260128","ratio":"16:9","resolution":"720p","watermark":false}
            seedance-2-0 {"prompt":"x","first_frame_url":"https://a/b","last_frame_url":"https://a/c"} -> {"content":[{"text":"x","type":"text"},{"image_url":{"url":"https://a/b"},"role":"first_frame","type":"image_url"},{"image_url":{"url":"https://a/c"},"role":"last_frame","type":"image_url"}],"duration":5,"generate_audio":true,"model":"dreamina-seedance-2-0-260128","ratio":"16:9","resolution":"720p","watermark":false}
            kling-v3-i2v {"start_image_url":"https://a/b","prompt":"x"} -> {"cfg_scale":0.5,"duration":"5","generate_audio":true,"prompt":"x","start_image_url":"https://a/b"}
            seedream-v5 {"prompt":"x","num_images":3} -> {"image_size":"auto_2K","max_images":1,"num_images":3,"prompt":"x"}
            claude-sonnet {"prompt":"x","image_urls":["https://a/b"]} -> {"max_tokens":2048,"messages":[{"content":[{"source":{"type":"url","url":"https://a/b"},"type":"image"},{"text":"x","type":"text"}],"role":"user"}],"model":"claude-sonnet-4-5","stream":true}
            gpt-image-2-direct {"prompt":"x"} -> {"model":"gpt-image-2","moderation":"auto","n":1,"output_format":"png","prompt":"x","quality":"medium","size":"1024x1024"}
            flux-1-1-pro {"prompt":"x"} -> {"input":{"aspect_ratio":"1:1","output_format":"webp","prompt":"x","prompt_upsampling":false,"safety_tolerance":2}}
            gpt-5-4-mini {"prompt":"x","system":"y"} -> {"max_tokens":2048,"model":"gpt-5.4-mini","prompt":"x","system":"y"}
            gemini-3-1-flash-lite {"prompt":"x","system":"y"} -> {"max_tokens":2048,"model":"gemini-3.1-flash-lite","prompt":"x","system":"y"}
            suno-v5 {"prompt":"x"} -> {"callBackUrl":"https://callback.invalid/","customMode":false,"instrumental":false,"model":"V5","prompt":"x"}
            kling-2-5-turbo-pro {"prompt":"x"} -> {"aspect_ratio":"16:9","cfg_scale":0.5,"duration":"5","external_task_id":"run-1","mode":"pro","model_name":"kling-v2-5-turbo","prompt":"x"}
            """#
        )
    )
    func bodies(row: TableRow) throws {
        let (model, text) = try model(row)
        let inputs = try #require(model.validate(try JSONValue(text: text)).values)
        let body = model.provider.submit.request.body?.render(TemplateValues(inputs: inputs, executionID: "run-1"))
        #expect(body?.description == row.right)
    }
}
