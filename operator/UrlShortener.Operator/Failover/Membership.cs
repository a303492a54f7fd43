using System.Collections.Immutable;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// The API servers that vote about a topology record. While they change, a majority of the former ones and one of the next ones are both needed (joint consensus;
/// Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, section 6), so that no two majorities can miss each other.
/// </summary>
/// <param name="Members">Names of the API servers, sorted.</param>
/// <param name="NextMembers">Names of those that follow them, sorted; null: no change is under way.</param>
internal sealed record Membership(ImmutableArray<string> Members, ImmutableArray<string>? NextMembers = null)
{
    /// <summary>A membership without a change under way.</summary>
    /// <param name="members">Names of the API servers, in any order.</param>
    public static Membership Of(IEnumerable<string> members) => new([.. members.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);

    /// <summary>All that have a vote.</summary>
    public IEnumerable<string> All => NextMembers is { } next ? Members.Union(next, StringComparer.Ordinal) : Members;

    /// <summary>Whether some members decide for all.</summary>
    /// <param name="names">Names of the members that agree.</param>
    public bool IsQuorum(IReadOnlyCollection<string> names) => IsMajority(Members, names) && (NextMembers is not { } next || IsMajority(next, names));

    /// <summary>The membership on the way to other members, or its end: the next one to record; null: it is what is wanted.</summary>
    /// <param name="wanted">Names of the wanted members, in any order.</param>
    public Membership? Towards(IEnumerable<string> wanted)
    {
        // One change at a time: one that is under way is finished first, whatever is wanted meanwhile.
        if (NextMembers is { } next)
            return new Membership(next);
        var others = Of(wanted);
        return others.Members.SequenceEqual(Members) ? null : this with { NextMembers = others.Members };
    }

    /// <inheritdoc />
    public bool Equals(Membership? other) =>
        other is not null
        && Members.SequenceEqual(other.Members)
        && (NextMembers, other.NextMembers) switch
        {
            (null, null) => true,
            ({ } one, { } another) => one.SequenceEqual(another),
            _ => false,
        };

    /// <inheritdoc />
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc />
    public override string ToString() => string.Join(',', Members) + (NextMembers is { } next ? $" -> {string.Join(',', next)}" : "");

    private static bool IsMajority(ImmutableArray<string> members, IReadOnlyCollection<string> names) =>
        2 * members.Count(member => names.Contains(member, StringComparer.Ordinal)) > members.Length;
}
