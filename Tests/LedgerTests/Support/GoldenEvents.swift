import Ledger

/// The canonical bytes of some events and their hash, worked out once by a program in another language and never changed
/// since: whoever changes what is hashed breaks every ledger there is.
struct GoldenEvent {
    /// SHA-256 of 0x00 and the bytes, in hexadecimal.
    let hash: String
    /// The bytes in hexadecimal.
    let bytes: String

    init(hash: String, bytes: String) {
        self.hash = hash
        self.bytes = bytes.split(separator: "\n").joined()
    }

    /// `account.closed` with every column empty that may be.
    static let bare = GoldenEvent(
        hash: "d3ac6a70f6af42bfc3c259cbb8ccd8d1f3a6c80b2c02c9b691516e306a61bf36",
        bytes: """
            000000020001000000020000000000080000000000000001000000100192f3a01b2c70018d4e5f60718293a4000000080000
            0000000000010000000e6163636f756e742e636c6f7365640000000800000000000000000000000800000000000000000000
            001000000000000000010000000000000002ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
            ffffffffffffffffffffffffffffffffffffffff
            """
    )

    /// `credits.held` with every column filled, and text beyond ASCII; the event after `bare`.
    static let full = GoldenEvent(
        hash: "2ed572952df9e4e5e7c4737f83d33dc09d78e7427d4e3557f96afc3a3c046e3f",
        bytes: """
            00000002000100000002000f000000080000010000000000000000100192f3a01b2c70018d4e5f60718293a4000000080000
            0000000000020000000c637265646974732e68656c640000000800064750a7e4a8030000000800064750a7e4a80000000010
            0000000000000001000000000000000200000010000000000000000300000000000000040000001000000000000000050000
            00000000000600000010000000000000000700000000000000080000000b6770742d696d6167652d32000000100000000000
            000009000000000000000a00000010000000000000000b000000000000000c00000010000000000000000d00000000000000
            0e000000080000000002625a00000000080000000008f0d180000000080000000002625a000000000d6770742d696d616765
            2d324033000000307b2261223a312c22e282ac223a22c3a95c6e5c7530303031f09f9880222c22efacb3223a5b747275652c
            222d31225d7d00000020d3ac6a70f6af42bfc3c259cbb8ccd8d1f3a6c80b2c02c9b691516e306a61bf36
            """
    )

    /// `credits.adjusted` with amounts and times below zero and the largest numbers there are; the event after `full`.
    static let negative = GoldenEvent(
        hash: "02a4c894e477fab06d81068671903d99b69f1bc9703d318342dd2f2204ac098a",
        bytes: """
            000000020001000000020fff000000087fffffffffffffff000000100192f3a01b2c70018d4e5f60718293a4000000087fff
            ffffffffffff00000010637265646974732e61646a757374656400000008ffffffffffffffff00000008fffffffffc6c7900
            0000001000000000000000010000000000000002ffffffffffffffffffffffffffffffffffffffffffffffff000000100000
            00000000000d000000000000000e00000008fffffffffeced300000000088000000000000000000000080000000000000000
            ffffffff000000117b22726561736f6e223a227479706f227d000000202ed572952df9e4e5e7c4737f83d33dc09d78e7427d
            4e3557f96afc3a3c046e3f
            """
    )

    /// An event of version 2, as a later program may write it.
    static let laterVersion = GoldenEvent(
        hash: "d522a117b6a83c6b6f91886a165c0a5f6661a8f2254fbafc9f10bd8271ab20f5",
        bytes: """
            000000020002000000020003000000080000000000000007000000100192f3a01b2c70018d4e5f60718293a4000000080000
            00000000000400000013726174655f6c696d69742e6578636565646564000000080000000000000001000000080000000000
            000001000000100000000000000001000000000000000200000010ffffffffffffffffffffffffffffffffffffffffffffff
            ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff000000027b7d0000002000010203040506
            0708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
            """
    )

    /// The head of a journal of these four.
    static let journalHead = "58580d0cad0ae1fdd2273f4ebbb6182f64d8724d82c8e6812816468301b6570d"
}
