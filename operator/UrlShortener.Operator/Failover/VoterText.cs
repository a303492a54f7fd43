using System.Text.Json;
using System.Text.Json.Nodes;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// The text of a <see cref="VoterRecord"/> in an API server. Guards read the same text (config/images/postgres/guard.py). What is not understood is no record: a
/// voter whose vote nobody knows does not vote. Pure.
/// </summary>
internal static class VoterText
{
    private const int MaxReason = 256;

    // Far beyond what an operator writes, and such that nothing that is computed from it overflows.
    private const long MaxEpoch = 1L << 62;
    private static readonly long MaxSeconds = new DateTimeOffset(9000, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds();

    /// <summary>Writes a record.</summary>
    public static string Write(VoterRecord record) =>
        new JsonObject
        {
            ["promised"] = record.Promised.ToString(),
            ["ballot"] = record.Ballot.ToString(),
            ["value"] = record.Value is { } value ? Write(value) : null,
        }.ToJsonString();

    /// <summary>Reads a record; null: the text is not one.</summary>
    /// <param name="text">The text.</param>
    public static VoterRecord? Read(string text)
    {
        try
        {
            if (
                StrictJson.Parse(text) is not JsonObject vote
                || Ballot.Parse(vote["promised"]?.GetValue<string>()) is not { } promised
                || Ballot.Parse(vote["ballot"]?.GetValue<string>()) is not { } ballot
            )
                return null;
            return vote["value"] switch
            {
                null => new VoterRecord(promised, ballot, null),
                JsonObject value when ReadValue(value) is { } record => new VoterRecord(promised, ballot, record),
                _ => null,
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            return null;
        }
    }

    private static JsonObject Write(TopologyRecord value)
    {
        var voters = new JsonObject { ["current"] = Names(value.Voters.Current) };
        if (value.Voters.Next is { } next)
            voters["next"] = Names(next);
        var text = new JsonObject
        {
            ["epoch"] = value.Epoch,
            ["phase"] = value.Phase.ToString(),
            ["region"] = value.Region,
            ["former"] = value.Former,
            ["planned"] = value.IsPlanned,
            ["guarded"] = value.IsGuarded,
            ["voters"] = voters,
            ["automaticMoves"] = new JsonArray([.. value.AutomaticMoves.Select(move => JsonValue.Create(move))]),
            ["movedAt"] = value.MovedAt,
            ["reason"] = value.Reason.Length > MaxReason ? value.Reason[..MaxReason] : value.Reason,
        };
        if (value.Home is { } home)
            text["home"] = home;
        if (value.TookMillis is { } took)
            text["tookMillis"] = took;
        return text;
    }

    private static TopologyRecord? ReadValue(JsonObject value)
    {
        // Enum.TryParse would take numbers, too.
        var phase = value["phase"]?.GetValue<string>() switch
        {
            nameof(TopologyPhase.Stable) => TopologyPhase.Stable,
            nameof(TopologyPhase.Fencing) => TopologyPhase.Fencing,
            nameof(TopologyPhase.Promoting) => TopologyPhase.Promoting,
            _ => (TopologyPhase?)null,
        };
        if (phase is not { } known || value["region"]?.GetValue<string>() is not { } region || value["voters"] is not JsonObject voters)
            return null;
        if (Read(voters["current"]) is not { Count: > 0 } current || HasTwice(current) || (Read(voters["next"]) is { } following && HasTwice(following)))
            return null;
        return new TopologyRecord
        {
            Epoch = ReadNumber(value["epoch"], MaxEpoch) ?? throw new FormatException("epoch is missing."),
            Phase = known,
            Region = region,
            Former = value["former"]?.GetValue<string>(),
            Home = value["home"]?.GetValue<string>(),
            IsPlanned = value["planned"]?.GetValue<bool>() ?? false,
            IsGuarded = value["guarded"]?.GetValue<bool>() ?? false,
            Voters = new Voters([.. current], Read(voters["next"]) is { } next ? [.. next] : null),
            AutomaticMoves =
            [
                .. (value["automaticMoves"] as JsonArray ?? []).Select(move => ReadNumber(move, MaxSeconds) ?? throw new FormatException("A time is missing.")),
            ],
            MovedAt = ReadNumber(value["movedAt"], MaxSeconds * 1000) ?? 0,
            TookMillis = value["tookMillis"]?.GetValue<long>(),
            Reason = value["reason"]?.GetValue<string>() ?? "",
        };
    }

    // One that is named twice would have two votes.
    private static bool HasTwice(List<string> names) => names.Distinct(StringComparer.Ordinal).Count() < names.Count;

    private static long? ReadNumber(JsonNode? node, long max) =>
        node?.GetValue<long>() is not { } number ? null
        : number >= 0 && number <= max ? number
        : throw new FormatException($"{number} is not between 0 and {max}.");

    private static JsonArray Names(IEnumerable<string> names) => [.. names.Select(name => (JsonNode)name)];

    private static List<string>? Read(JsonNode? names) =>
        names is JsonArray array ? [.. array.Select(name => name?.GetValue<string>() ?? throw new FormatException("A name is missing."))] : null;
}
