using System.Globalization;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// Number of one attempt to change the topology record (Lamport, "Paxos Made Simple", 2001). Two attempts never have the same number: each proposer adds its name,
/// and counts on from the highest round that it has met.
/// </summary>
/// <param name="Round">Counts up; 0 in <see cref="Zero"/> only.</param>
/// <param name="Proposer">Name of the process that makes the attempt, unique for each start of it.</param>
internal readonly record struct Ballot(long Round, string Proposer) : IComparable<Ballot>
{
    /// <summary>Below all attempts.</summary>
    public static readonly Ballot Zero = new(0, "");

    /// <summary>The next attempt of a proposer that has met this ballot.</summary>
    /// <param name="proposer">Name of the proposer.</param>
    public Ballot Next(string proposer) => new(Round + 1, proposer);

    /// <summary>Reads what <see cref="ToString"/> writes; null: it is something else.</summary>
    /// <param name="text">The text.</param>
    public static Ballot? Parse(string? text) =>
        text?.IndexOf('@') is { } at and > 0 && long.TryParse(text.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture, out var round)
            ? new Ballot(round, text[(at + 1)..])
            : null;

    /// <inheritdoc />
    public int CompareTo(Ballot other) => Round != other.Round ? Round.CompareTo(other.Round) : string.CompareOrdinal(Proposer, other.Proposer);

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Round}@{Proposer}");

    public static bool operator <(Ballot left, Ballot right) => left.CompareTo(right) < 0;

    public static bool operator >(Ballot left, Ballot right) => left.CompareTo(right) > 0;

    public static bool operator <=(Ballot left, Ballot right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Ballot left, Ballot right) => left.CompareTo(right) >= 0;
}
