/// Which logs and witnesses are known, and which cosignatures a checkpoint must carry (c2sp.org/tlog-policy).
public struct WitnessPolicy: Hashable, Sendable {
    /// A log or a witness, and where it is asked.
    public struct Party: Hashable, Sendable {
        /// Its key.
        public let key: NoteVerifier
        /// Where it is; nil for one that is never asked.
        public let url: String?
    }

    /// A line that can't be taken, and why.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// The line's number, from 1; 0 when a line is missing.
        public let line: Int
        /// What is wrong with it.
        public let reason: String
        /// Both.
        public var description: String { line == 0 ? reason : "line \(line): \(reason)" }
    }

    private enum Rule: Hashable, Sendable {
        case witness(Party)
        case group(atLeast: Int, of: [String])
    }

    /// The most lines of a kind that are taken.
    public static let mostParties = 256

    /// Its logs.
    public private(set) var logs: [Party] = []
    private var rules: [String: Rule] = [:]
    private var order: [String] = []
    private var members: Set<String> = []
    /// The witness or group that must have cosigned; nil for `none`.
    private var quorum: String?

    /// Its witnesses, in order.
    public var witnesses: [Party] {
        order.compactMap { if case .witness(let party)? = rules[$0] { party } else { nil } }
    }

    /// No witnesses, none needed.
    public init() {}

    /// Reads a policy file.
    public init(_ text: String) throws(Fault) {
        var hasQuorum = false
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            func refuse(_ reason: String) -> Fault { Fault(line: index + 1, reason: reason) }
            guard line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw refuse("control characters can't be taken")
            }
            switch first {
            case "log": try addLog(words, refuse)
            case "witness": try addWitness(words, refuse)
            case "group": try addGroup(words, refuse)
            case "quorum":
                guard !hasQuorum else { throw refuse("there is a quorum already") }
                guard words.count == 2 else { throw refuse("`quorum NAME` is needed") }
                guard words[1] == "none" || rules[words[1]] != nil else {
                    throw refuse("\(words[1]) is no witness or group of a line before")
                }
                quorum = words[1] == "none" ? nil : words[1]
                hasQuorum = true
            default: throw refuse("\(first) is none of log, witness, group, quorum")
            }
        }
        guard hasQuorum else { throw Fault(line: 0, reason: "there is no quorum line") }
    }

    private mutating func addLog(_ words: [String], _ refuse: (String) -> Fault) throws(Fault) {
        guard (2...3).contains(words.count) else { throw refuse("`log VKEY [URL]` is needed") }
        guard let key = NoteVerifier(words[1]), key.kind == .log else { throw refuse("the key is no log's") }
        guard !logs.contains(where: { $0.key.publicKey == key.publicKey }) else {
            throw refuse("the key is there twice")
        }
        guard logs.count < Self.mostParties else { throw refuse("more than \(Self.mostParties) logs") }
        logs.append(Party(key: key, url: words.count == 3 ? words[2] : nil))
    }

    private mutating func addWitness(_ words: [String], _ refuse: (String) -> Fault) throws(Fault) {
        guard (3...4).contains(words.count) else { throw refuse("`witness NAME VKEY [URL]` is needed") }
        guard let key = NoteVerifier(words[2]), key.kind == .cosigner else { throw refuse("the key is no witness's") }
        guard !witnesses.contains(where: { $0.key.publicKey == key.publicKey }) else {
            throw refuse("the key is there twice")
        }
        try define(words[1], .witness(Party(key: key, url: words.count == 4 ? words[3] : nil)), refuse)
    }

    private mutating func addGroup(_ words: [String], _ refuse: (String) -> Fault) throws(Fault) {
        guard words.count >= 4 else { throw refuse("`group NAME all|any|K MEMBER…` is needed") }
        let group = Array(words[3...])
        let count =
            switch words[2] {
            case "all": group.count
            case "any": 1
            default: LogNumber.read(Substring(words[2])).flatMap { Int(exactly: $0) } ?? 0
            }
        guard (1...group.count).contains(count) else {
            throw refuse("\(words[2]) is none of all, any, 1 to \(group.count)")
        }
        for member in group {
            guard rules[member] != nil else { throw refuse("\(member) is no witness or group of a line before") }
            guard members.insert(member).inserted else { throw refuse("\(member) is a member twice") }
        }
        try define(words[1], .group(atLeast: count, of: group), refuse)
    }

    private mutating func define(_ name: String, _ rule: Rule, _ refuse: (String) -> Fault) throws(Fault) {
        guard name != "none", rules[name] == nil else { throw refuse("the name \(name) is taken") }
        guard order.count < Self.mostParties else { throw refuse("more than \(Self.mostParties) names") }
        rules[name] = rule
        order.append(name)
    }

    /// Whether a checkpoint's cosignatures are enough. The log's own signature is not looked at.
    public func isMet(by note: SignedNote) -> Bool { quorum.map { holds($0, note) } ?? true }

    private func holds(_ name: String, _ note: SignedNote) -> Bool {
        switch rules[name] {
        case .witness(let party)?: note.signature(by: party.key) != nil
        case .group(let count, let members)?: members.count { holds($0, note) } >= count
        case nil: false
        }
    }
}
