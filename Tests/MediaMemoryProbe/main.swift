import AsyncHTTPClient
import Crypto
import Egress
import Foundation
import Ledger
import Media
import ObjectStorage
import Registry

// Copies so many videos from a source to a bucket, all asked for at once, and says how many were copied and how large the
// process was at most. Arguments: the source's URL, the storage's endpoint, the number of videos.

let arguments = CommandLine.arguments
precondition(arguments.count == 4, "usage: MediaMemoryProbe SOURCE ENDPOINT COUNT")
let count = Int(arguments[3]) ?? 0
let result: JSONValue = ["videos": [.string(arguments[1] + "/video.mp4")]]
let client = HTTPClient(eventLoopGroupProvider: .singleton)
let configuration = try S3Configuration(
    bucket: "knouds-media",
    endpoint: arguments[2],
    accessKeyID: "key",
    secretAccessKey: "secret",
    urlStyle: .path
)
let copier = MediaCopier(
    store: S3Client(configuration, client: client, clock: { 1_800_000_000 }),
    client: EgressClient(policy: .withLoopback),
    names: MediaNames(key: SymmetricKey(size: .bits256)),
    unixSeconds: { 1_800_000_000 }
)
let copied = await withTaskGroup(of: Bool.self) { group in
    for number in 0..<count {
        group.addTask {
            let id = Identifier128(unixMilliseconds: 1_800_000_000_000, journal: JournalID(0), random: UInt64(number))
            do {
                _ = try await copier.keep(result, of: ExecutionID(id), deadline: .now + .seconds(600))
                return true
            } catch {
                print("failed: \(error)")
                return false
            }
        }
    }
    var copied = 0
    for await isCopied in group where isCopied { copied += 1 }
    return copied
}
let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?.split(separator: " ").dropFirst().first ?? "0"
print("copied \(copied) peak \(peak.filter(\.isNumber))")
// The client is not shut down: the process ends.
exit(0)
