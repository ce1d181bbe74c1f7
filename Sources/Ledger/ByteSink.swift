/// Memory that bytes are written into, one after the other, without growing: the hot path hashes six events a run.
///
/// Bytes beyond the capacity are counted and not written, so that whoever fills it learns how much it takes.
struct ByteSink {
    private let start: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    /// How many bytes were put, whether or not they fitted.
    private(set) var count = 0

    private init(_ buffer: UnsafeMutableBufferPointer<UInt8>, start: UnsafeMutablePointer<UInt8>) {
        self.start = start
        self.capacity = buffer.count
    }

    /// Fills some temporary memory and hands it on; both closures must not keep a pointer to it.
    ///
    /// - Parameter write: writes the bytes; called a second time, with enough memory, when they did not fit.
    static func withBytes<Result>(
        writtenBy write: (inout ByteSink) -> Void,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        // 2,048: an event takes about 400 bytes, and one with many draws or a long text seldom more than 1,500.
        var needed = 2_048
        while true {
            let result = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: needed) { buffer -> Result? in
                guard let start = buffer.baseAddress else { return nil }
                var sink = ByteSink(buffer, start: start)
                write(&sink)
                needed = sink.count
                return sink.count <= buffer.count ? body(UnsafeRawBufferPointer(start: start, count: sink.count)) : nil
            }
            if let result { return result }
        }
    }

    /// Puts one byte.
    mutating func put(_ byte: UInt8) {
        if count < capacity { start[count] = byte }
        count += 1
    }

    /// Puts some bytes.
    mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        if count + bytes.count <= capacity, let source = bytes.baseAddress {
            (start + count).update(from: source, count: bytes.count)
        }
        count += bytes.count
    }

    /// Puts a text's UTF-8.
    mutating func put(_ text: some StringProtocol) {
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { put($0) }
        if isDone == nil { for byte in text.utf8 { put(byte) } }
    }

    /// Puts a whole number, most significant byte first.
    mutating func putBigEndian<Number: FixedWidthInteger & BitwiseCopyable>(_ value: Number) {
        let size = value.bitWidth / 8
        if count + size <= capacity {
            UnsafeMutableRawPointer(start + count).storeBytes(of: value.bigEndian, as: Number.self)
        }
        count += size
    }

    /// Puts a digest's 32 bytes.
    mutating func put(_ digest: Digest) {
        putBigEndian(digest.words.0)
        putBigEndian(digest.words.1)
        putBigEndian(digest.words.2)
        putBigEndian(digest.words.3)
    }

    /// Puts four bytes over those at an earlier place.
    mutating func overwriteBigEndian(_ value: Int32, at place: Int) {
        let end = count
        count = place
        putBigEndian(value)
        count = end
    }
}
