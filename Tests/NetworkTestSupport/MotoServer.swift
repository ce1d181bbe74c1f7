import Foundation
import Glibc
import TestSupport

/// An S3 server of its own (moto), that has one bucket, one user, and checks every request's signature.
public struct MotoServer: Sendable {
    /// The port on 127.0.0.1.
    public let port: Int
    /// The bucket.
    public let bucket: String
    /// The user's key.
    public let accessKeyID: String
    /// The user's secret.
    public let secretAccessKey: String

    /// Scheme, host and port.
    public var endpoint: String { "http://127.0.0.1:\(port)" }

    private static let program = """
        import os, sys, threading
        def wait():
            sys.stdin.buffer.read()
            os._exit(0)
        threading.Thread(target=wait, daemon=True).start()
        from moto.server import main
        main(["-H", "127.0.0.1", "-p", "0"])
        """

    private static let setup = """
        import json, sys, urllib.request, boto3
        endpoint, bucket = sys.argv[1:3]
        own = dict(endpoint_url=endpoint, region_name="us-east-1",
                   aws_access_key_id="setup", aws_secret_access_key="setup")
        boto3.client("s3", **own).create_bucket(Bucket=bucket)
        iam = boto3.client("iam", **own)
        iam.create_user(UserName="media")
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.put_user_policy(UserName="media", PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="media")["AccessKey"]
        plain = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(endpoint + "/moto-api/reset-auth", b"0", plain))
        print(key["AccessKeyId"], key["SecretAccessKey"])
        """

    /// Runs a server for as long as the body runs.
    public static func with<Outcome>(
        bucket: String = "knouds-media",
        _ body: (MotoServer) async throws -> sending Outcome
    ) async throws -> sending Outcome {
        let python = try await PythonTools.interpreter()
        return try await withTemporaryFolder { folder in
            let process = try ServiceProcess(
                [python, "-c", program],
                input: Lifeline.input,
                logPath: "\(folder)/moto.log"
            )
            do {
                let line = try await process.waitForLine(containing: "Running on", timeout: .seconds(180))
                guard let port = line.firstMatch(of: /:(\d+)\s*$/).flatMap({ Int($0.1) }) else {
                    throw PythonTools.SetupFailed(description: line)
                }
                let words = try await PythonTools.run(setup, ["http://127.0.0.1:\(port)", bucket]).split(separator: " ")
                guard words.count == 2 else { throw PythonTools.SetupFailed(description: "\(words)") }
                let server = MotoServer(
                    port: port,
                    bucket: bucket,
                    accessKeyID: String(words[0]),
                    secretAccessKey: words[1].trimmingCharacters(in: .whitespacesAndNewlines)
                )
                let outcome = try await body(server)
                await process.stop(SIGKILL)
                return outcome
            } catch {
                await process.stop(SIGKILL)
                throw error
            }
        }
    }

    /// Runs a script that has boto3's client in `s3` and the bucket's name in `bucket`; returns what it prints.
    ///
    /// - Parameters:
    ///   - script: the program.
    ///   - arguments: its arguments, from `args[0]`.
    public func boto3(_ script: String, _ arguments: [String] = []) async throws -> String {
        let head = """
            import sys, json, hashlib, boto3
            s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1",
                              aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3])
            bucket, args = sys.argv[4], sys.argv[5:]

            """
        let output = try await PythonTools.run(
            head + script,
            [endpoint, accessKeyID, secretAccessKey, bucket] + arguments
        )
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
