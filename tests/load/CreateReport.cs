using System.Globalization;

namespace UrlShortener.Load;

/// <summary>Everything a create run found.</summary>
internal sealed record CreateReport
{
    public required Machine Machine { get; init; }

    public required LoadProfile Load { get; init; }

    public required Measurement Measurement { get; init; }

    public required double CpuMicroseconds { get; init; }

    public required long ResidentBytes { get; init; }

    public required long PeakResidentBytes { get; init; }

    /// <summary>Socket errors and responses other than 201.</summary>
    public required long Errors { get; init; }

    public string ToMarkdown() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            # Creations: POST /api/v1/urls

            {Markdown.Describe(Machine)}
            {Markdown.Describe(Load)}.

            | Links/s | p50 µs | p99 µs | CPU per link, µs | Resident, MB | Peak, MB | Errors |
            |---:|---:|---:|---:|---:|---:|---:|
            | {Measurement.RequestsPerSecond:N0} | {Measurement.P50Microseconds} | {Measurement.P99Microseconds} | {CpuMicroseconds:0.0} | {ResidentBytes
                / 1e6:0.0} | {PeakResidentBytes / 1e6:0.0} | {Errors:N0} |

            """
        );
}
