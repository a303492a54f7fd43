using System.Collections.Immutable;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// The API servers that vote about a topology record. While they change, a majority of the former ones and one of the next ones are both needed (joint consensus;
/// Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, section 6), so that no two majorities can miss each other.
/// </summary>
/// <param name="Current">Names of the API servers, sorted.</param>
/// <param name="Next">Names of those that follow them, sorted; null: no change is under way.</param>
internal sealed record Voters(ImmutableArray<string> Current, ImmutableArray<string>? Next = null)
{
    /// <summary>Voters without a change under way.</summary>
    /// <param name="voters">Names of the API servers, in any order.</param>
    public static Voters Of(IEnumerable<string> voters) => new([.. voters.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);

    /// <summary>All that have a vote.</summary>
    public IEnumerable<string> All => Next is { } next ? Current.Union(next, StringComparer.Ordinal) : Current;

    /// <summary>Whether some voters decide for all.</summary>
    /// <param name="names">Names of the voters that agree.</param>
    public bool IsQuorum(IReadOnlyCollection<string> names) => IsMajority(Current, names) && (Next is not { } next || IsMajority(next, names));

    /// <summary>
    /// Whether these can be the voters of a group in which others have votes too. A region leaves the voters when its vote is gone, so that none is left out; whoever
    /// can write one vote could otherwise name it as the only voter, and it would be a quorum.
    /// </summary>
    /// <param name="names">Names of the voters that have accepted something.</param>
    public bool AreThoseOf(IReadOnlyCollection<string> names) =>
        All.Any(voter => !Witness.IsOne(voter))
        && names.Count(name => All.Contains(name, StringComparer.Ordinal))
            > names.Count(name => !All.Contains(name, StringComparer.Ordinal) && !Witness.IsOne(name));

    /// <summary>The next step on the way to other voters; null: these are the wanted ones.</summary>
    /// <param name="wanted">Names of the wanted voters, in any order.</param>
    public Voters? Towards(IEnumerable<string> wanted)
    {
        // One change at a time: one that is under way is finished first, whatever is wanted meanwhile.
        if (Next is { } next)
            return new Voters(next);
        var others = Of(wanted);
        return others.Current.SequenceEqual(Current) ? null : this with { Next = others.Current };
    }

    /// <inheritdoc />
    public bool Equals(Voters? other) =>
        other is not null
        && Current.SequenceEqual(other.Current)
        && (Next, other.Next) switch
        {
            (null, null) => true,
            ({ } one, { } another) => one.SequenceEqual(another),
            _ => false,
        };

    /// <inheritdoc />
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc />
    public override string ToString() => string.Join(',', Current) + (Next is { } next ? $" -> {string.Join(',', next)}" : "");

    private static bool IsMajority(ImmutableArray<string> voters, IReadOnlyCollection<string> names) =>
        2 * voters.Count(voter => names.Contains(voter, StringComparer.Ordinal)) > voters.Length;
}
