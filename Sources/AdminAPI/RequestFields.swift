import Administration
import HTTPTypes
import Ledger
import LedgerStore
import Registry
import RunAPI

/// The members of a request's body, read one by one; what is wrong with any of them is told at once.
struct RequestFields {
    let members: [String: JSONValue]
    private var unread: Set<String>
    private var issues: [FieldIssue] = []

    /// Reads a JSON object; an empty body is an empty one.
    init(_ body: [UInt8]) throws(APIError) {
        if body.isEmpty {
            members = [:]
        } else {
            guard let json = try? JSONValue(parsing: body), let members = json.objectValue else {
                throw APIError(status: .badRequest, code: "INVALID_BODY", message: "The body must be a JSON object")
            }
            self.members = members
        }
        unread = Set(members.keys)
    }

    /// Whether a member is there, and not null.
    func has(_ name: String) -> Bool { (members[name] ?? .null) != .null }

    private mutating func take(_ name: String) -> JSONValue? {
        unread.remove(name)
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    private mutating func read<Value>(
        _ name: String,
        _ needed: String,
        isRequired: Bool,
        _ body: (JSONValue) -> Value?
    ) -> Value? {
        guard let value = take(name) else {
            if isRequired { issues.append(FieldIssue(field: name, message: "it is missing: \(needed)")) }
            return nil
        }
        guard let read = body(value) else {
            issues.append(FieldIssue(field: name, message: needed))
            return nil
        }
        return read
    }

    /// One line of text of so many bytes at most.
    mutating func text(_ name: String, longest: Int, isRequired: Bool = true) -> String? {
        read(name, "one line of 1 to \(longest) bytes is needed", isRequired: isRequired) { value in
            guard let text = value.stringValue, (1...longest).contains(text.utf8.count),
                !text.unicodeScalars.contains(where: { $0.value < 32 })
            else { return nil }
            return text
        }
    }

    /// A reference of another system: printable ASCII without a space.
    mutating func reference(_ name: String, longest: Int) -> String? {
        read(name, "1 to \(longest) printable characters without a space are needed", isRequired: false) { value in
            value.stringValue.flatMap { PaymentMethod.isReference($0) ? $0 : nil }
        }
    }

    /// Credits, as a number or a string of one; never zero.
    mutating func credits(_ name: String, isSigned: Bool = false, isRequired: Bool = true) -> Credits? {
        let needed =
            isSigned
            ? "a number of credits other than 0 with at most 6 decimals is needed"
            : "a number of credits above 0 with at most 6 decimals is needed"
        return read(name, needed, isRequired: isRequired) { value in
            guard value.boolValue == nil, let amount = value.scalarText.flatMap({ Credits(decimal: $0) }) else {
                return nil
            }
            return amount.isPositive || (isSigned && amount.isNegative) ? amount : nil
        }
    }

    /// A month of the books.
    mutating func month(_ name: String) -> CalendarMonth? {
        read(name, "a month such as 2027-01 is needed", isRequired: true) { value in
            value.stringValue.flatMap { CalendarMonth($0) }
        }
    }

    /// A moment that has not passed.
    mutating func moment(_ name: String, isRequired: Bool = false) -> Timestamp? {
        read(name, "a moment such as 2027-01-31T12:00:00Z is needed", isRequired: isRequired) { value in
            value.stringValue.flatMap { Timestamp(rfc3339: $0) }
        }
    }

    /// A whole number.
    mutating func number(_ name: String, in range: ClosedRange<Int64>, isRequired: Bool = true) -> Int64? {
        let needed = "a whole number from \(range.lowerBound) to \(range.upperBound) is needed"
        return read(name, needed, isRequired: isRequired) { value in
            value.integerValue.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A list of whole numbers above zero.
    mutating func numbers(_ name: String, most: Int, isRequired: Bool = true) -> [Int64]? {
        read(name, "a list of 1 to \(most) whole numbers above 0 is needed", isRequired: isRequired) { value in
            guard let elements = value.arrayValue, (1...most).contains(elements.count) else { return nil }
            let numbers = elements.compactMap(\.integerValue).filter { $0 > 0 }
            return numbers.count == elements.count ? numbers : nil
        }
    }

    /// True or false.
    mutating func flag(_ name: String, isRequired: Bool = true) -> Bool? {
        read(name, "true or false is needed", isRequired: isRequired) { $0.boolValue }
    }

    /// One of an enumeration's words.
    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ name: String,
        isRequired: Bool = true,
        as type: Word.Type = Word.self
    ) -> Word? where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        return read(name, "one of \(words) is needed", isRequired: isRequired) { value in
            value.stringValue.flatMap { Word(rawValue: $0) }
        }
    }

    /// An identifier.
    mutating func id<ID: LedgerIdentifier>(_ name: String, as type: ID.Type = ID.self) -> ID? {
        read(name, "an id in the form 8-4-4-4-12 is needed", isRequired: true) { value in
            value.stringValue.flatMap { ID(text: $0) }
        }
    }

    /// Notes something wrong that only several fields together show.
    mutating func refuse(_ name: String, _ message: String) {
        issues.append(FieldIssue(field: name, message: message))
    }

    /// Refuses the request if anything was wrong with it, members that nobody asked for included.
    mutating func finish() throws(APIError) {
        for name in unread.sorted() { issues.append(FieldIssue(field: name, message: "there is no such field")) }
        guard issues.isEmpty else { throw .invalid(issues) }
    }
}
