/// A PostgreSQL type by its object id, for the types that have fixed ids on every server.
public struct PostgresType: Sendable, Hashable, CustomStringConvertible {
    /// The object id (`pg_type.oid`).
    public let objectID: UInt32

    /// A type by its object id.
    public init(objectID: UInt32) { self.objectID = objectID }

    /// `boolean`.
    public static let bool = PostgresType(objectID: 16)
    /// `bytea`.
    public static let bytea = PostgresType(objectID: 17)
    /// `bigint`, 64 bits.
    public static let int8 = PostgresType(objectID: 20)
    /// `smallint`, 16 bits.
    public static let int2 = PostgresType(objectID: 21)
    /// `integer`, 32 bits.
    public static let int4 = PostgresType(objectID: 23)
    /// `text`.
    public static let text = PostgresType(objectID: 25)
    /// `json`, sent as text.
    public static let json = PostgresType(objectID: 114)
    /// `timestamp with time zone`, microseconds.
    public static let timestamptz = PostgresType(objectID: 1184)
    /// `uuid`, 128 bits.
    public static let uuid = PostgresType(objectID: 2950)
    /// `jsonb`, sent as text behind a version byte.
    public static let jsonb = PostgresType(objectID: 3802)

    /// `boolean[]`.
    public static let boolArray = PostgresType(objectID: 1000)
    /// `bytea[]`.
    public static let byteaArray = PostgresType(objectID: 1001)
    /// `smallint[]`.
    public static let int2Array = PostgresType(objectID: 1005)
    /// `integer[]`.
    public static let int4Array = PostgresType(objectID: 1007)
    /// `text[]`.
    public static let textArray = PostgresType(objectID: 1009)
    /// `bigint[]`.
    public static let int8Array = PostgresType(objectID: 1016)
    /// `json[]`.
    public static let jsonArray = PostgresType(objectID: 199)
    /// `timestamp with time zone[]`.
    public static let timestamptzArray = PostgresType(objectID: 1185)
    /// `uuid[]`.
    public static let uuidArray = PostgresType(objectID: 2951)
    /// `jsonb[]`.
    public static let jsonbArray = PostgresType(objectID: 3807)

    /// The type of arrays of this type, or nil when this is not one of the element types above.
    public var array: PostgresType? {
        switch self {
        case .bool: .boolArray
        case .bytea: .byteaArray
        case .int2: .int2Array
        case .int4: .int4Array
        case .int8: .int8Array
        case .text: .textArray
        case .json: .jsonArray
        case .timestamptz: .timestamptzArray
        case .uuid: .uuidArray
        case .jsonb: .jsonbArray
        default: nil
        }
    }

    /// Whether values of this type are text in the binary format too (unknown ids, such as enums, count as text).
    var isTextual: Bool {
        switch self {
        case .bool, .bytea, .int2, .int4, .int8, .timestamptz, .uuid: false
        case .boolArray, .byteaArray, .int2Array, .int4Array, .int8Array, .textArray, .jsonArray, .timestamptzArray,
            .uuidArray, .jsonbArray:
            false
        default: true
        }
    }

    /// The name used in messages.
    public var description: String {
        switch self {
        case .bool: "bool"
        case .bytea: "bytea"
        case .int2: "int2"
        case .int4: "int4"
        case .int8: "int8"
        case .text: "text"
        case .timestamptz: "timestamptz"
        case .uuid: "uuid"
        case .jsonb: "jsonb"
        default: "type \(objectID)"
        }
    }
}

/// A UUID as its two big-endian halves, so that no other package's identifier type is needed here.
public struct PostgresUUID: Sendable, Hashable {
    /// The first eight bytes, big-endian.
    public var high: UInt64
    /// The last eight bytes, big-endian.
    public var low: UInt64

    /// Makes a value from its halves.
    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// PostgreSQL counts microseconds from 2000-01-01; this is that moment in microseconds of the UNIX epoch.
@usableFromInline let postgresEpochMicroseconds: Int64 = 946_684_800_000_000
