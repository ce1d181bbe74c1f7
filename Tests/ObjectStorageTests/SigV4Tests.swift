import Crypto
import Foundation
import TestSupport
import Testing

@testable import ObjectStorage

/// AWS's published examples ("Signature Calculations: Transferring Payload in a Single Chunk", "Using Query Parameters") and
/// its own client's signatures.
@Suite("Signature Version 4")
struct SigV4Tests {
    private static let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    private static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    private let signer = SigV4(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: secret, region: "us-east-1")
    // 2013-05-24T00:00:00Z.
    private let time = SigV4.Time(unixSeconds: 1_369_353_600)

    @Test("A signing key is derived as published")
    func signingKey() {
        let signer = SigV4(
            accessKeyID: "AKIDEXAMPLE",
            secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "iam"
        )
        let key = signer.signingKey(date: "20150830").withUnsafeBytes { SigV4.hexadecimal($0) }
        #expect(key == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
    }

    @Test("GET with a range, as published")
    func rangedGet() {
        let request = SigV4.Request(
            method: "GET",
            path: "/test.txt",
            headers: [
                ("Host", "examplebucket.s3.amazonaws.com"), ("Range", "bytes=0-9"),
                ("x-amz-content-sha256", Self.emptyHash), ("x-amz-date", "20130524T000000Z"),
            ],
            payloadHash: Self.emptyHash
        )
        #expect(
            signer.authorization(of: request, at: time)
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
    }

    @Test("PUT of a name that needs encoding, as published")
    func put() {
        let hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
        let request = SigV4.Request(
            method: "PUT",
            path: "/test$file.text",
            headers: [
                ("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("Host", "examplebucket.s3.amazonaws.com"),
                ("x-amz-content-sha256", hash), ("x-amz-date", time.stamp),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            payloadHash: hash
        )
        #expect(
            signer.signature(of: request, at: time)
                == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        )
    }

    @Test("A presigned GET, as published")
    func presigned() {
        let query = signer.presignedQuery(
            host: "examplebucket.s3.amazonaws.com",
            path: "/test.txt",
            seconds: 86_400,
            at: time
        )
        #expect(
            query
                == "X-Amz-Algorithm=AWS4-HMAC-SHA256&"
                + "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&"
                + "X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
                + "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        )
    }

    @Test(
        "Times in UTC, over leap days and centuries",
        arguments: [
            (0, "19700101T000000Z"), (951_782_399, "20000228T235959Z"), (951_782_400, "20000229T000000Z"),
            (1_709_164_800, "20240229T000000Z"), (1_735_689_599, "20241231T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
            (-1, "19691231T235959Z"),
        ] as [(Int64, String)]
    )
    func times(seconds: Int64, stamp: String) {
        #expect(SigV4.Time(unixSeconds: seconds).stamp == stamp)
        #expect(SigV4.Time(unixSeconds: seconds).date == stamp.prefix(8))
    }

    @Test("Presigned URLs are those of AWS's own client, at any time and for any name")
    func botocore() async throws {
        let script = """
            import sys, json
            from botocore.auth import S3SigV4QueryAuth
            from botocore.awsrequest import AWSRequest
            from botocore.credentials import Credentials
            for url, stamp in json.load(sys.stdin):
                auth = S3SigV4QueryAuth(Credentials("AKIAIOSFODNN7EXAMPLE", sys.argv[1]), "s3", "us-east-1", expires=60)
                request = AWSRequest(method="GET", url=url)
                request.context["timestamp"] = stamp
                auth._modify_request_before_signing(request)
                text = auth.string_to_sign(request, auth.canonical_request(request))
                print(auth.signature(text, request))
            """
        let names = ["a", "2026/11/24/x.mp4", "A-b_c.d/e..f/9", "with~tilde and space", "ü/€+&=%"]
        var cases: [[String]] = []
        var own: [String] = []
        for (index, name) in names.enumerated() {
            let time = SigV4.Time(unixSeconds: 1_700_000_000 + Int64(index) * 7_654_321)
            let host = "knouds-media.s3.us-east-1.amazonaws.com"
            cases.append(["https://\(host)\(SigV4.encoded("/" + name, keepsSlashes: true))", time.stamp])
            let query = signer.presignedQuery(host: host, path: "/" + name, seconds: 60, at: time)
            own.append(String(query.suffix(64)))
        }
        let input = String(decoding: try JSONSerialization.data(withJSONObject: cases), as: UTF8.self)
        let output = try await PythonTools.run(script, [Self.secret], input: input)
        #expect(output.split(separator: "\n").map(String.init) == own)
    }
}
