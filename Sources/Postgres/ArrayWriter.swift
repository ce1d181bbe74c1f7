/// Writes the elements of one array parameter, straight into the encoder's arena.
public struct ArrayWriter: FieldWriter {
    /// The encoder's arena while it writes, else empty.
    public var arena: ByteArena
    @usableFromInline let type: PostgresType
    @usableFromInline let count: Int
    @usableFromInline var written = 0
    @usableFromInline var hasNull = false
    @usableFromInline let start: Int

    @inlinable
    init(cursor: Int, type: PostgresType, count: Int) {
        precondition(count >= 0, "an array has no negative number of elements")
        self.arena = ByteArena(cursor: cursor)
        self.type = type
        self.count = count
        self.start = cursor
    }

    /// Dimensions, null flag, element type, then size and lower bound of the one dimension.
    @inlinable
    mutating func writeHeader() {
        // 20 for the header, and at most 4 + 16 for an element of fixed size.
        arena.bytes.makeRoom(20 + count * 20, at: arena.cursor)
        arena.put(Int32(count == 0 ? 0 : 1))
        arena.put(Int32(0))
        arena.put(type.objectID)
        guard count > 0 else { return }
        arena.put(Int32(count))
        arena.put(Int32(1))
    }

    /// An element comes next; traps when its type is not the array's.
    @inlinable
    public mutating func began(_ other: PostgresType) {
        let isSame = type == other || (type == .json && other == .text)
        precondition(isSame, "an element of another type than its array")
        written += 1
    }

    /// NULL comes next.
    @inlinable
    public mutating func beganNull() {
        hasNull = true
        written += 1
    }

    /// Checks the count, completes the header, and returns the cursor.
    @inlinable
    mutating func finish() -> Int {
        precondition(written == count, "an array of \(count) elements got \(written)")
        if hasNull {
            var flagOffset = start + 4
            arena.bytes.put(Int32(1), at: &flagOffset)
        }
        return arena.cursor
    }
}
