using System.Globalization;
using System.Text.RegularExpressions;

namespace UrlShortener.Monitoring.Tests.Paging;

/// <summary>
/// Time runs faster: every duration of rules and routes is divided, so that a page that takes three minutes arrives in ten seconds. Thresholds stay. The rules
/// with their true durations are tested by promtool. <c>PAGING_FACTOR=1</c> runs the tests with the true durations, which takes most of an hour.
/// </summary>
internal static partial class Faster
{
    /// <summary>What a duration is divided by.</summary>
    public static readonly int Factor = int.Parse(Environment.GetEnvironmentVariable("PAGING_FACTOR") ?? "20", CultureInfo.InvariantCulture);

    /// <summary>Time between two scrapes, and between two evaluations.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(Math.Max(1, 15 / Factor));

    /// <summary>Far more than any page, resolution or series needs.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(Math.Max(2, 40 / Factor));

    /// <summary>A rule file.</summary>
    public static string Rules(string text) =>
        RuleDuration().Replace(text, match => $"{match.Groups[1].Value}{Divide(match.Groups[2].Value, match.Groups[3].Value)}");

    /// <summary>A configuration of Alertmanager.</summary>
    public static string Routes(string text) =>
        RouteDuration().Replace(text, match => $"{match.Groups[1].Value}{Divide(match.Groups[2].Value, match.Groups[3].Value)}");

    private static string Divide(string number, string unit)
    {
        var seconds =
            int.Parse(number, CultureInfo.InvariantCulture)
            * unit switch
            {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => 86400,
            };
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, seconds * 1000 / Factor)}ms");
    }

    // A range, an offset, a duration of an alert; not the name of a recorded series.
    [GeneratedRegex(@"(\[|offset |for: )(\d+)([smhd])\b")]
    private static partial Regex RuleDuration();

    [GeneratedRegex(@"((?:group_wait|group_interval|repeat_interval): )(\d+)([smhd])\b")]
    private static partial Regex RouteDuration();
}
