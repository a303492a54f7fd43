using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using UrlShortener.Operator.Conditions;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// What PostgreSQL says to the parameters of a specification. They are checked before they reach the members, by PostgreSQL's own description of each, and once
/// more after that, by what it made of them. Pure.
/// </summary>
/// <param name="Digest">Of the parameters.</param>
/// <param name="IsApplied">Whether the members have them.</param>
/// <param name="Refusals">Why they are refused, a part of a sentence for each; empty: they are not.</param>
internal sealed partial record ParameterReview(string Digest, bool IsApplied, IReadOnlyList<string> Refusals)
{
    private const int MaxQuoted = 60;

    /// <summary>Digest of parameters.</summary>
    public static string DigestOf(IReadOnlyDictionary<string, string> parameters) =>
        UrlShortener.Operator.Apply.Digest.Of(parameters.OrderBy(one => one.Key, StringComparer.Ordinal).SelectMany(one => new[] { one.Key, one.Value }));

    /// <summary>Whether Patroni's dynamic configuration has all parameters with their values.</summary>
    public static bool IsIn(JsonObject? configuration, IReadOnlyDictionary<string, string> parameters) =>
        configuration?["postgresql"]?["parameters"] is JsonObject live
        && parameters.All(one => live[one.Key] is JsonValue value && value.TryGetValue<string>(out var text) && text == one.Value);

    /// <summary>Why PostgreSQL would refuse parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="settings">Descriptions of those that PostgreSQL has.</param>
    public static IReadOnlyList<string> Check(IReadOnlyDictionary<string, string> parameters, IReadOnlyDictionary<string, ParameterSetting> settings) =>
        [
            .. parameters
                .OrderBy(one => one.Key, StringComparer.Ordinal)
                .Select(one => Find(one.Key, one.Value, settings.GetValueOrDefault(one.Key)))
                .OfType<string>(),
        ];

    /// <summary>Why a member has not taken parameters over.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="read">Those in the member's files.</param>
    /// <param name="errors">What PostgreSQL says to those that it could not apply.</param>
    public static IReadOnlyList<string> Verify(
        IReadOnlyDictionary<string, string> parameters,
        IReadOnlySet<string> read,
        IReadOnlyDictionary<string, string> errors
    ) =>
        [
            .. parameters
                .OrderBy(one => one.Key, StringComparer.Ordinal)
                .Select(one =>
                    errors.TryGetValue(one.Key, out var error) ? $"{one.Key} is \"{Texts.Cut(one.Value, MaxQuoted)}\": {error.TrimEnd('.')}"
                    : read.Contains(one.Key) ? null
                    : $"{one.Key} is \"{Texts.Cut(one.Value, MaxQuoted)}\", which Patroni refuses"
                )
                .OfType<string>(),
        ];

    private static string? Find(string name, string value, ParameterSetting? setting)
    {
        var quoted = $"{name} is \"{Texts.Cut(value, MaxQuoted)}\"";
        return setting switch
        {
            // Parameters of extensions are known once their library is loaded.
            null => name.Contains('.', StringComparison.Ordinal) ? null : $"{name} is no parameter of this version of PostgreSQL",
            { Context: "internal" } => $"{name} cannot be changed",
            { Type: "bool" } => IsBoolean(value) ? null : $"{quoted}, which is neither on nor off",
            { Type: "enum", Values: { } values } => values.Contains(value, StringComparer.OrdinalIgnoreCase)
            || (IsBoolean(value) && (values.Contains("on") || values.Contains("off")))
                ? null
                : $"{quoted}, which is none of {string.Join(", ", values)}",
            { Type: "integer" or "real" } => Measure(value, setting.Unit) is not { } amount
                ? $"{quoted}, which is no number{(setting.Unit is { } unit ? $" with a unit such as {unit}" : "")}"
            : amount < (setting.Min ?? double.MinValue) || amount > (setting.Max ?? double.MaxValue)
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"{quoted}, which is not between {setting.Min} and {setting.Max}{(setting.Unit is { } of ? $" (unit {of})" : "")}"
                )
            : null,
            _ => null,
        };
    }

    private static bool IsBoolean(string value) => value.ToLowerInvariant() is "on" or "off" or "true" or "false" or "yes" or "no" or "1" or "0";

    // https://www.postgresql.org/docs/current/config-setting.html: a number, then a unit of the same kind as that of the parameter.
    private static double? Measure(string text, string? unit)
    {
        var match = Amount().Match(text);
        if (!match.Success || !double.TryParse(match.Groups["number"].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            return null;
        var given = match.Groups["unit"].Value;
        if (given.Length == 0)
            return number;
        return unit is not null && SizeOf(given) is { } factor && SizeOf(unit) is { } own && factor.IsTime == own.IsTime
            ? number * factor.Size / own.Size
            : null;
    }

    private static (double Size, bool IsTime)? SizeOf(string unit)
    {
        var match = UnitOfAnyCount().Match(unit);
        var count = match.Groups["count"].Value is { Length: > 0 } digits ? double.Parse(digits, CultureInfo.InvariantCulture) : 1;
        (double Size, bool IsTime)? one = match.Groups["unit"].Value switch
        {
            "B" => (1, false),
            "kB" => (1024, false),
            "MB" => (1024 * 1024, false),
            "GB" => (1024d * 1024 * 1024, false),
            "TB" => (1024d * 1024 * 1024 * 1024, false),
            "us" => (0.001, true),
            "ms" => (1, true),
            "s" => (1000, true),
            "min" => (60_000, true),
            "h" => (3_600_000, true),
            "d" => (86_400_000, true),
            _ => null,
        };
        return one is { } found ? (count * found.Size, found.IsTime) : null;
    }

    [GeneratedRegex("^\\s*(?<number>[-+]?[0-9]*\\.?[0-9]+([eE][-+]?[0-9]+)?)\\s*(?<unit>[a-zA-Z]*)\\s*$")]
    private static partial Regex Amount();

    [GeneratedRegex("^(?<count>[0-9]*)(?<unit>[a-zA-Z]+)$")]
    private static partial Regex UnitOfAnyCount();
}

/// <summary>How PostgreSQL describes a parameter (<c>pg_settings</c>).</summary>
/// <param name="Type"><c>bool</c>, <c>enum</c>, <c>integer</c>, <c>real</c> or <c>string</c>.</param>
/// <param name="Context">When it can be changed, such as <c>postmaster</c> or <c>internal</c>.</param>
/// <param name="Unit">Its unit, such as <c>8kB</c>; null: none.</param>
/// <param name="Min">The least value; null: none.</param>
/// <param name="Max">The greatest value; null: none.</param>
/// <param name="Values">The values of an enum; null: it is none.</param>
internal sealed record ParameterSetting(
    string Type,
    string Context,
    string? Unit = null,
    double? Min = null,
    double? Max = null,
    IReadOnlyList<string>? Values = null
);
