/// The one form of draws, in events and in the projection of holds.
extension CanonicalJSON {
    /// What was drawn from which pot, in order: an array of pairs of pot and whole micro-credits.
    public static func draws(_ draws: [Draw]) -> CanonicalJSON {
        .array(draws.map { .array([.string($0.potID.description), .amount($0.amount)]) })
    }

    /// The draws of such an array; nil for any other value.
    public var drawsValue: [Draw]? {
        guard let elements else { return nil }
        var draws: [Draw] = []
        for element in elements {
            guard let pair = element.elements, pair.count == 2, let amount = pair[1].amountValue,
                let potID = pair[0].stringValue.flatMap({ PotID(text: $0) })
            else { return nil }
            draws.append(Draw(potID: potID, amount: amount))
        }
        return draws
    }
}
