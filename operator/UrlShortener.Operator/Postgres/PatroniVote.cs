using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// A member that has every acknowledged write, although Patroni elects nobody. Patroni compares positions of the log, also those of different timelines: a former
/// primary that is back may be ahead of a replica that has later writes, and may not lead either (docs/decisions/0039). Pure.
/// </summary>
/// <param name="Candidate">The member.</param>
/// <param name="Timeline">Its timeline, the last one that anybody knows.</param>
/// <param name="Because">Why, as a part of a sentence.</param>
/// <param name="Record">Version of Patroni's record of the synchronous replicas.</param>
internal sealed record PatroniVote(string Candidate, int Timeline, string Because, string Record)
{
    private const string StatusAnnotation = "status";
    private const string HistoryAnnotation = "history";

    /// <summary>Counts the votes; null: nobody may be promoted by them.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="place">The place in the group.</param>
    public static PatroniVote? Count(V1Alpha1ShortenerRegion region, ObservedPostgres observed, GroupPlace place)
    {
        var spec = region.Spec.Postgres!;
        if (!spec.AssistedFailover || spec.Durability == Durability.Async || place.Source is not null || observed.Lock is null)
            return null;
        if (observed.DynamicConfiguration is not { } configuration || configuration["standby_cluster"] is not null)
            return null;
        if (PatroniSynchrony.Of(observed.Synchrony) is not { Leader: { } leader, Quorum: { } quorum } record || record.Standbys.Contains(leader))
            return null;
        // While somebody leads, or sends changes, members may get more.
        if (observed.Members.Values.Any(member => member.Paused || !member.Unlocked || member.InFailsafe || member.IsPrimary || member.IsStreaming))
            return null;
        var votes = observed.Members.Where(member => member.Value is { State: "running", Role: "replica", Timeline: > 0, Reached: > 0 }).ToList();
        if (votes.Count == 0)
            return null;
        var (name, best) = votes.OrderByDescending(vote => (vote.Value.Timeline, vote.Value.Reached)).ThenBy(vote => vote.Key, StringComparer.Ordinal).First();
        // Only what Patroni counts otherwise. Members of one timeline it elects by itself.
        if (!votes.Exists(vote => vote.Value.Timeline < best.Timeline && vote.Value.Reached > best.Reached))
            return null;
        // Each write was acknowledged by the leader and as many others that at least one of any quorum and one more of these has it.
        string[] electors = [leader, .. record.Standbys];
        var answering = electors.Distinct(StringComparer.Ordinal).Where(elector => votes.Exists(vote => vote.Key == elector)).ToList();
        if (answering.Count <= quorum || !answering.Contains(name) || best.Timeline != FindLastTimeline(observed))
            return null;
        return new PatroniVote(
            name,
            best.Timeline!.Value,
            string.Create(
                CultureInfo.InvariantCulture,
                $"of {string.Join(" and ", answering)}, {name} is on the last timeline ({best.Timeline}), and nobody has more of it"
            ),
            record.Version
        );
    }

    // Of all members, also of those that do not answer, by what they told Patroni last, and by Patroni's history.
    private static int? FindLastTimeline(ObservedPostgres observed) =>
        observed
            .Members.Values.Select(member => member.Timeline)
            .Concat(
                observed.Pods.Select(pod =>
                    Read(Labels.AnnotationOf(pod.Metadata, StatusAnnotation)) is JsonObject status ? NumberOf(status["timeline"]) : null
                )
            )
            .Append(
                Read(Labels.AnnotationOf(observed.Configuration?.Metadata, HistoryAnnotation)) is JsonArray { Count: > 0 } history
                && history[^1] is JsonArray { Count: > 0 } line
                    ? NumberOf(line[0]) + 1
                    : null
            )
            .Max();

    private static int? NumberOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<int>(out var number) ? number : null;

    private static JsonNode? Read(string? text)
    {
        try
        {
            return text is null ? null : StrictJson.Parse(text);
        }
        catch (JsonException)
        {
            // Not Patroni's.
            return null;
        }
    }
}

/// <summary>How long votes have been counted for the same member. Pure.</summary>
/// <param name="Vote">The votes.</param>
/// <param name="Since">Since when.</param>
internal sealed record VoteWait(PatroniVote Vote, DateTimeOffset Since)
{
    // A member that is only starting again, or an election of Patroni's own, needs as many of its loops.
    private const int Loops = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    /// <summary>Follows the votes.</summary>
    /// <param name="vote">The votes now; null: for nobody.</param>
    /// <param name="former">Those before; null: for nobody.</param>
    /// <param name="now">The time.</param>
    public static VoteWait? Track(PatroniVote? vote, VoteWait? former, DateTimeOffset now) =>
        vote is null ? null
        : former?.Vote == vote ? former
        : new VoteWait(vote, now);

    /// <summary>Whether Patroni is to be asked now.</summary>
    /// <param name="patroni">Patroni's times.</param>
    /// <param name="askedAt">When it was last asked.</param>
    /// <param name="now">The time.</param>
    public bool IsDue(PatroniSpec patroni, DateTimeOffset askedAt, DateTimeOffset now) =>
        now >= Since + TimeSpan.FromSeconds(Loops * patroni.LoopWait) + Patience && now >= askedAt + Pause;
}
