/// A PostgreSQL type by its object id, for the types that have fixed ids on every server.
public struct PostgresType: Sendable, Hashable, CustomStringConvertible {
    /// The object id (`pg_type.oid`).
    public let objectID: UInt32

    /// A type by its object id.
    @inlinable
    public init(objectID: UInt32) { self.objectID = objectID }

    /// `boolean`.
    @inlinable public static var bool: PostgresType { PostgresType(objectID: 16) }
    /// `bytea`.
    @inlinable public static var bytea: PostgresType { PostgresType(objectID: 17) }
    /// `bigint`, 64 bits.
    @inlinable public static var int8: PostgresType { PostgresType(objectID: 20) }
    /// `smallint`, 16 bits.
    @inlinable public static var int2: PostgresType { PostgresType(objectID: 21) }
    /// `integer`, 32 bits.
    @inlinable public static var int4: PostgresType { PostgresType(objectID: 23) }
    /// `tid`, the place of a row in its table.
    @inlinable public static var tid: PostgresType { PostgresType(objectID: 27) }
    /// `text`.
    @inlinable public static var text: PostgresType { PostgresType(objectID: 25) }
    /// `json`, sent as text.
    @inlinable public static var json: PostgresType { PostgresType(objectID: 114) }
    /// `timestamp with time zone`, microseconds.
    @inlinable public static var timestamptz: PostgresType { PostgresType(objectID: 1184) }
    /// `uuid`, 128 bits.
    @inlinable public static var uuid: PostgresType { PostgresType(objectID: 2950) }
    /// `jsonb`, sent as text behind a version byte.
    @inlinable public static var jsonb: PostgresType { PostgresType(objectID: 3802) }

    /// `boolean[]`.
    @inlinable public static var boolArray: PostgresType { PostgresType(objectID: 1000) }
    /// `bytea[]`.
    @inlinable public static var byteaArray: PostgresType { PostgresType(objectID: 1001) }
    /// `smallint[]`.
    @inlinable public static var int2Array: PostgresType { PostgresType(objectID: 1005) }
    /// `integer[]`.
    @inlinable public static var int4Array: PostgresType { PostgresType(objectID: 1007) }
    /// `tid[]`.
    @inlinable public static var tidArray: PostgresType { PostgresType(objectID: 1010) }
    /// `text[]`.
    @inlinable public static var textArray: PostgresType { PostgresType(objectID: 1009) }
    /// `bigint[]`.
    @inlinable public static var int8Array: PostgresType { PostgresType(objectID: 1016) }
    /// `json[]`.
    @inlinable public static var jsonArray: PostgresType { PostgresType(objectID: 199) }
    /// `timestamp with time zone[]`.
    @inlinable public static var timestamptzArray: PostgresType { PostgresType(objectID: 1185) }
    /// `uuid[]`.
    @inlinable public static var uuidArray: PostgresType { PostgresType(objectID: 2951) }
    /// `jsonb[]`.
    @inlinable public static var jsonbArray: PostgresType { PostgresType(objectID: 3807) }

    /// The type of arrays of this type, or nil when this is not one of the element types above.
    @inlinable public var array: PostgresType? {
        switch self {
        case .bool: .boolArray
        case .bytea: .byteaArray
        case .int2: .int2Array
        case .int4: .int4Array
        case .int8: .int8Array
        case .tid: .tidArray
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
        case .bool, .bytea, .int2, .int4, .int8, .tid, .timestamptz, .uuid: false
        case .boolArray, .byteaArray, .int2Array, .int4Array, .int8Array, .tidArray, .textArray, .jsonArray,
            .timestamptzArray, .uuidArray, .jsonbArray:
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
        case .tid: "tid"
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
@inlinable var postgresEpochMicroseconds: Int64 { 946_684_800_000_000 }
