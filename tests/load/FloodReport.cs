using System.Globalization;

namespace UrlShortener.Load;

/// <summary>Everything a flood found.</summary>
internal sealed record FloodReport
{
    public required Machine Machine { get; init; }

    public required int HeapMegabytes { get; init; }

    public required LoadProfile Load { get; init; }

    public required Measurement Measurement { get; init; }

    /// <summary>Clicks that were stored before the flood ended.</summary>
    public required long StoredMeanwhile { get; init; }

    /// <summary>The most clicks that waited at any look.</summary>
    public required long MostWaiting { get; init; }

    public required ClickCounters Clicks { get; init; }

    public required double DrainSeconds { get; init; }

    public required long PeakResidentBytes { get; init; }

    /// <summary>Responses other than redirects, and clicks that nobody can account for.</summary>
    public long Errors => Measurement.Errors + (Clicks.Redirects - Clicks.Stored - Clicks.Dropped) + (StoredMeanwhile == 0 ? 1 : 0);

    private string Row =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Clicks.Stored:N0} | {Clicks.Dropped:N0} | {MostWaiting:N0} | {DrainSeconds:0.0} | {PeakResidentBytes / 1e6:0.0} | {Errors:N0}"
        );

    public string ToMarkdown() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            # Flood: another user agent of 28 KB with every request, in a process whose heap may have {HeapMegabytes} MiB

            {Markdown.Describe(Machine)}
            {Markdown.Describe(Load)}.

            | Redirects/s | p99 µs | Clicks | Stored meanwhile | Stored | Dropped | Most waiting | Drain s | Peak, MB | Errors |
            |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
            | {Measurement.RequestsPerSecond:N0} | {Measurement.P99Microseconds} | {Clicks.Redirects:N0} | {StoredMeanwhile:N0} | {Row} |

            """
        );
}
