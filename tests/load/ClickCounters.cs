using System.Globalization;

namespace UrlShortener.Load;

/// <summary>What the product says became of its redirects.</summary>
internal sealed record ClickCounters(long Redirects, long Stored, long Dropped)
{
    public bool Settled => Stored + Dropped >= Redirects;

    /// <summary>Reads the Prometheus text format. A counter with labels is summed over them; one not yet incremented may be absent.</summary>
    public static ClickCounters Parse(string exposition)
    {
        var lines = exposition.Split('\n');
        return new ClickCounters(
            Sum(lines, "shortener_redirects_total"),
            Sum(lines, "shortener_clicks_stored_total"),
            Sum(lines, "shortener_clicks_dropped_total"));
    }

    private static long Sum(string[] lines, string name)
    {
        var total = 0.0;
        foreach (var line in lines)
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.AsSpan(name.Length) is [' ' or '{', ..])
                total += double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
        }

        return (long)total;
    }
}
