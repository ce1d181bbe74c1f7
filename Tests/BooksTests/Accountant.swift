import Books
import Foundation
import LocalCluster
import TestSupport

/// A program that others wrote and that reads the books.
struct Accountant: Sendable {
    let format: PlainTextBooks.Format

    static let all = PlainTextBooks.Format.allCases.map { Accountant(format: $0) }

    /// How a line with a balance assertion is told from others.
    var assertionMark: String {
        switch format {
        case .beancount: " balance "
        case .hledger: " = "
        }
    }

    /// Whether it finds nothing wrong with a file, and what it says.
    func check(_ file: String) async throws -> (isGood: Bool, output: String) {
        let python = try await PythonTools.interpreter()
        let folder = URL(fileURLWithPath: python).deletingLastPathComponent().path
        let command =
            switch format {
            case .beancount: ["\(folder)/bean-check", "--no-cache", file]
            case .hledger: ["hledger", "check", "--strict", "-f", file]
            }
        let (exit, output) = try await ChildProcess.run(command)
        return (exit == .exited(code: 0), output)
    }

    /// What it says every account holds, in smallest units, without those that hold nothing.
    func balances(_ file: String) async throws -> [String: Int64] {
        let text: String
        switch format {
        case .beancount: text = try await PythonTools.run(Self.beancountBalances, [file])
        case .hledger:
            let command = ["hledger", "balance", "--flat", "--no-total", "-O", "csv", "-f", file]
            text = try await ChildProcess.run(command).output
        }
        var balances: [String: Int64] = [:]
        for line in text.split(separator: "\n") {
            let columns = line.split { $0 == "\t" || $0 == "," }.map { $0.trimmingCharacters(in: ["\"", " ", "\r"]) }
            guard columns.count == 2, let amount = Self.units(columns[1]) else { continue }
            balances[columns[0]] = amount
        }
        return balances
    }

    /// A text with one more unit on both sides of some transaction.
    func changingOneUnit(in text: String) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard
            let first = lines.indices.first(where: { index in
                let line = lines[index]
                return index > lines.count / 3 && line.hasSuffix(" CREDIT") && line.hasPrefix("  ")
                    && !line.contains("=")
                    && lines[index + 1].hasPrefix("  ")
            })
        else { return nil }
        for (index, change) in [(first, Int64(1)), (first + 1, -1)] {
            let parts = lines[index].split(separator: "  ")
            guard parts.count == 2, let units = Self.units(String(parts[1])) else { return nil }
            lines[index] = "  \(parts[0])  \(Commodity.credit.text(units + change)) CREDIT"
        }
        return lines.joined(separator: "\n")
    }

    private static func units(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let commodity = Commodity(rawValue: String(parts[1])) else { return nil }
        let pieces = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = pieces.count > 1 ? String(pieces[1]) : ""
        guard fraction.count <= commodity.decimals else { return nil }
        return Int64(pieces[0] + fraction + String(repeating: "0", count: commodity.decimals - fraction.count))
    }

    private static let beancountBalances = """
        import collections, sys
        from beancount import loader
        from beancount.core import data
        entries, errors, options = loader.load_file(sys.argv[1])
        sums = collections.defaultdict(int)
        for entry in entries:
            if isinstance(entry, data.Transaction):
                for posting in entry.postings:
                    sums[posting.account, posting.units.currency] += posting.units.number
        for (account, currency), number in sums.items():
            if number:
                print(f"{account}\\t{number:f} {currency}")
        """
}
