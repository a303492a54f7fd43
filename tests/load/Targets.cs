using System.Globalization;

namespace UrlShortener.Load;

/// <summary>One figure beside what it should be.</summary>
internal sealed record Target(string Name, string Measured, string Wanted, bool Met)
{
    /// <summary>A figure that must not be above a limit, both in <paramref name="unit"/>.</summary>
    public static Target AtMost(string name, double measured, double most, string unit) =>
        new(name, Text(measured, unit), "<= " + Text(most, unit), measured <= most);

    /// <summary>A figure that must not be below a limit.</summary>
    public static Target AtLeast(string name, double measured, double least, string unit) =>
        new(name, Text(measured, unit), ">= " + Text(least, unit), measured >= least);

    private static string Text(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{value:#,0.###} {unit}").Trim();
}

/// <summary>What the product promises. Reported, never a gate: a busy machine must not fail a build.</summary>
internal static class Targets
{
    public const long MemoryAfterRedirects = 1_000_000;
    private const double LeastRateRatio = 0.80;
    private const double MostP99Ratio = 1.5;
    private const double MostStartUpSeconds = 1;
    private const long MostResidentBytes = 150_000_000;

    public static IReadOnlyList<Target> Compare(RedirectReport report)
    {
        var rate = report.Full.RateRatio.Median;
        var (fullP99, lightP99) = (report.Full.P99Ratio.Median, report.Light.P99Ratio.Median);
        var (clicks, enough) = (report.Clicks, report.Clicks.Redirects >= MemoryAfterRedirects);
        return
        [
            new("Requests/s against the floor", Text($"{rate:0.000}"), Text($">= {LeastRateRatio:0.00}"), rate >= LeastRateRatio),
            new("p99 against the floor, full load", Text($"{fullP99:0.00}"), Text($"<= {MostP99Ratio:0.00}"), fullP99 <= MostP99Ratio),
            new("p99 against the floor, light load", Text($"{lightP99:0.00}"), Text($"<= {MostP99Ratio:0.00}"), lightP99 <= MostP99Ratio),
            new(
                "Start-up",
                Text($"{report.ProductStartUpSeconds:0.000} s"),
                Text($"< {MostStartUpSeconds} s"),
                report.ProductStartUpSeconds < MostStartUpSeconds
            ),
            new(
                Text($"Resident memory after {clicks.Redirects:N0} redirects"),
                Text($"{report.ResidentBytes / 1e6:0.0} MB"),
                Text($"< {MostResidentBytes / 1e6:0} MB after at least {MemoryAfterRedirects:N0}"),
                enough && report.ResidentBytes < MostResidentBytes
            ),
            new("Redirects not counted", Text($"{Math.Max(0, report.Answered - clicks.Redirects):N0}"), "0", clicks.Redirects >= report.Answered),
            new("Clicks dropped", Text($"{clicks.Dropped:N0}"), "0", clicks.Dropped == 0),
            new(
                "Clicks neither stored nor dropped",
                Text($"{clicks.Redirects - clicks.Stored - clicks.Dropped:N0}"),
                "0",
                clicks.Redirects == clicks.Stored + clicks.Dropped
            ),
        ];
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
