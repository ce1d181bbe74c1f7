import Ledger

/// How a workflow's slug is made from its name.
public enum WorkflowSlug {
    /// The name in lower-case ASCII letters, digits and single hyphens; `workflow` when nothing is left of it.
    public static func base(of name: String) -> String {
        var slug = ""
        for byte in name.lowercased().utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                slug.unicodeScalars.append(Unicode.Scalar(byte))
            default: if !slug.isEmpty, slug.last != "-" { slug += "-" }
            }
            // 20 less than a slug may have: room for a hyphen and a number.
            if slug.utf8.count >= Slug.longest - 20 { break }
        }
        while slug.last == "-" { slug.removeLast() }
        return slug.isEmpty ? "workflow" : slug
    }

    /// The slug of the nth workflow with a base, from 1: the base, then `base-2`, `base-3` …
    public static func candidate(_ number: Int, of base: String) -> String {
        number == 1 ? base : "\(base)-\(number)"
    }
}
