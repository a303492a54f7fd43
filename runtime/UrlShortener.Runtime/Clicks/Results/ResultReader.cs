using System.Globalization;
using System.Text.Json;
using UrlShortener.Runtime.Codes;

namespace UrlShortener.Runtime.Clicks.Results;

/// <summary>Reads what the Flink job writes. Any program may write to its topics, so any bytes may come. Pure.</summary>
internal static class ResultReader
{
    private const int HashLength = 64;

    /// <summary>Reads a record.</summary>
    /// <param name="kind">What its topic has.</param>
    /// <param name="value">The value, UTF-8.</param>
    /// <returns>Null: it is no result.</returns>
    public static ResultRow? Read(ResultKind kind, ReadOnlySpan<byte> value)
    {
        var reader = new Utf8JsonReader(value);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var document))
                return null;
            using (document)
            {
                var root = document.RootElement;
                if (root.ValueKind != JsonValueKind.Object || Time(root, "minute") is not { } minute || minute.ToUnixTimeSeconds() % 60 != 0)
                    return null;
                return kind switch
                {
                    ResultKind.Minutes => ReadMinute(root, minute),
                    ResultKind.Trends => ReadTrend(root, minute),
                    _ => ReadFlood(root, minute),
                };
            }
        }
        // A lone surrogate, which is no text, is an InvalidOperationException.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static ResultRow? ReadMinute(JsonElement root, DateTimeOffset minute) =>
        Code(root, "short_code") is { } code
        && Count(root, "people") is { } people
        && Count(root, "bots") is { } bots
        && Time(root, "last_click") is { } last
        && last >= minute
        && last < minute.AddMinutes(1)
            ? new ResultRow(ResultKind.Minutes, minute, code)
            {
                Clicks = people,
                Bots = bots,
                LastAt = last,
            }
            : null;

    private static ResultRow? ReadTrend(JsonElement root, DateTimeOffset minute) =>
        Code(root, "short_code") is { } code && Count(root, "last_hour") is { } clicks && Rate(root, "usual_hour") is { } usual
            ? new ResultRow(ResultKind.Trends, minute, code) { Clicks = clicks, Usual = usual }
            : null;

    private static ResultRow? ReadFlood(JsonElement root, DateTimeOffset minute)
    {
        if (Count(root, "clicks") is not { } clicks || Rate(root, "usual_minute") is not { } usual)
            return null;
        return Text(root, "kind") switch
        {
            "code" when Code(root, "name") is { } code => new ResultRow(ResultKind.Floods, minute, code) { Clicks = clicks, Usual = usual },
            "visitor" when Text(root, "name") is { Length: HashLength } visitor && visitor.All(char.IsAsciiHexDigitLower) => new ResultRow(
                ResultKind.Floods,
                minute,
                ""
            )
            {
                Visitor = visitor,
                Clicks = clicks,
                Usual = usual,
            },
            _ => null,
        };
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string? Code(JsonElement root, string name) => Text(root, name) is { } code && ShortCode.IsValid(code) ? code : null;

    private static long? Count(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count) && count >= 0 ? count : null;

    private static double? Rate(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out var rate)
        && double.IsFinite(rate)
        && rate >= 0
            ? rate
            : null;

    // Years that ClickHouse's types of time can hold.
    private static DateTimeOffset? Time(JsonElement root, string name) =>
        DateTimeOffset.TryParseExact(
            Text(root, name),
            ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFF'Z'"],
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        ) && time.Year is >= 1970 and < 2100
            ? time
            : null;
}
