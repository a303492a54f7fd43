using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace UrlShortener.Runtime.Http;

/// <summary>
/// How the API reads and writes JSON: snake case, unknown members refused, nulls written unless a member says otherwise. Each folder that has bodies of its own
/// also has a context for them.
/// </summary>
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>
    /// Deepest nesting of a body. Much deeper than any field accepts, so that the field's own check refuses the value and names the field and its limit.
    /// </summary>
    public const int MaxDepth = 512;

    /// <summary>The context in use.</summary>
    public static ApiJson Instance { get; } = new(Configure(new JsonSerializerOptions()));

    /// <summary>Sets how the API reads and writes JSON. The output is never embedded in HTML, so quotes and '+' are not escaped.</summary>
    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.AllowDuplicateProperties = false;
        options.MaxDepth = MaxDepth;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.Converters.Add(new UtcTimeConverter());
        return options;
    }
}

/// <summary>Times as RFC 3339: written in UTC with milliseconds, read with any offset. The offset is required.</summary>
internal sealed partial class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>Format of written times.</summary>
    public const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private const int FractionDigits = 7;

    /// <inheritdoc />
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.GetString()!, out var time)
            ? time
            : throw new JsonException("The JSON value could not be converted to a time.");

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture));

    /// <summary>Reads a time as RFC 3339 section 5.6 defines it: everything that it allows and nothing else. Digits below 100 ns are cut off.</summary>
    public static bool TryParse(string text, out DateTimeOffset time)
    {
        time = default;
        if (Rfc3339().Match(text) is not { Success: true } match)
            return false;
        int Part(string name) => match.Groups[name].ValueSpan is { Length: > 0 } digits ? int.Parse(digits, CultureInfo.InvariantCulture) : 0;
        // A leap second is read as the first second of the next minute.
        var second = Part("second");
        if (
            !DateTime.TryParseExact(
                $"{match.Groups["date"].Value} {match.Groups["minute"].Value}",
                "yyyy-MM-dd HH:mm",
                CultureInfo.InvariantCulture,
                DateTimeStyles.None,
                out var minute
            )
            || second > 60
            || Part("offsetHours") > 23
            || Part("offsetMinutes") > 59
        )
        {
            return false;
        }

        var offset = new TimeSpan(Part("offsetHours"), Part("offsetMinutes"), 0);
        var fraction = match.Groups["fraction"].Value;
        var ticks =
            minute.Ticks
            + (second * TimeSpan.TicksPerSecond)
            + (match.Groups["sign"].ValueSpan is "-" ? offset.Ticks : -offset.Ticks)
            + (fraction.Length > 0 ? long.Parse(fraction.PadRight(FractionDigits, '0')[..FractionDigits], CultureInfo.InvariantCulture) : 0);
        if (
            ticks < DateTimeOffset.MinValue.Ticks
            || ticks > DateTimeOffset.MaxValue.Ticks
            || (second == 60 && TimeOnly.FromTimeSpan(new TimeSpan(ticks % TimeSpan.TicksPerDay)) >= new TimeOnly(0, 0, 1))
        )
            return false;
        time = new DateTimeOffset(ticks, TimeSpan.Zero);
        return true;
    }

    [GeneratedRegex(
        @"^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?<minute>[0-9]{2}:[0-9]{2}):(?<second>[0-9]{2})(\.(?<fraction>[0-9]+))?([Zz]|(?<sign>[+-])(?<offsetHours>[0-9]{2}):(?<offsetMinutes>[0-9]{2}))\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Rfc3339();
}
