using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Exports</c>: limits for the clicks of a link as CSV. One export reads as much as thousands of other requests.</summary>
internal sealed class ExportOptions
{
    /// <summary>Most clicks of one export; a range with more is refused. Default 1,000,000.</summary>
    [Range(1, 100_000_000)]
    public int MaxRows { get; set; } = 1_000_000;

    /// <summary>Longest time of one export; then the connection is aborted. A client that reads slowly takes as long as it likes within it. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Exports that a process writes at the same time, at most one for each user; further ones are refused. Default 2.</summary>
    [Range(1, 100)]
    public int MaxConcurrent { get; set; } = 2;

    /// <summary>Clicks that one export reads and writes per second at most, so that redirects have the processor. Default 20,000.</summary>
    [Range(100, 10_000_000)]
    public int RowsPerSecond { get; set; } = 20_000;
}
