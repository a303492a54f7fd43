using System.Collections.Immutable;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// Votes with a ballot that no attempts can have reached. Operators count on from the highest ballot that they meet, so that whoever can write one vote could
/// otherwise use up the numbers, and nothing would be decided any more. Such a vote counts as away. Pure.
/// </summary>
internal static class FarVotes
{
    /// <summary>Most rounds above all other votes: an attempt each second for a thousand years.</summary>
    public const long MaxAhead = 1L << 35;

    /// <summary>What was read, with such votes as failures.</summary>
    /// <param name="reads">The voters, by name.</param>
    /// <param name="highest">The highest ballot that this operator has met.</param>
    public static IReadOnlyDictionary<string, VoterRead> Refuse(IReadOnlyDictionary<string, VoterRead> reads, Ballot highest) =>
        reads.ToImmutableDictionary(
            read => read.Key,
            read =>
                read.Value is { Record: { } record, Map: var map }
                && RoundOf(record) - reads.Where(other => other.Key != read.Key).Select(other => RoundOf(other.Value.Record)).Append(highest.Round).Max()
                    > MaxAhead
                    ? new VoterRead(
                        null,
                        map,
                        $"ConfigMap {map?.Metadata.NamespaceProperty}/{map?.Metadata.Name} has a ballot ({record.Promised}) that no attempts can have reached. Delete its key "
                            + $"{VoterPlace.VoterKey}: the operator writes it again."
                    )
                    {
                        IsFar = true,
                    }
                    : read.Value,
            StringComparer.Ordinal
        );

    private static long RoundOf(VoterRecord? record) => record is null ? 0 : Math.Max(record.Promised.Round, record.Ballot.Round);
}
