using System.Globalization;
using System.IO.Pipelines;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Writes the single clicks of a link as CSV, a page at a time and no faster than <c>Exports:RowsPerSecond</c>.</summary>
internal sealed class ClickExport(ISingleClicks clicks, ExportOptions options, TimeProvider time)
{
    private const int FlushBytes = 32_768;
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffzzz";

    private static readonly string[] Header = ["clicked_at", "is_bot", "device", "country", "referrer"];

    /// <summary>Whether a range has more clicks than one export writes.</summary>
    public async Task<(long Clicks, bool IsTooLarge)> CountAsync(string shortCode, StatisticsQuery query, long caller, CancellationToken cancellationToken)
    {
        var count = await clicks.CountAsync(shortCode, query.From, query.To, options.MaxRows + 1L, caller, cancellationToken);
        return (count, count > options.MaxRows);
    }

    /// <summary>Writes the clicks of a range.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="query">The range, and the time zone of the times.</param>
    /// <param name="expected">How many clicks there are at least.</param>
    /// <param name="caller">The user who asks.</param>
    /// <param name="begin">Called when the first page has been read, before anything is written.</param>
    /// <param name="output">Takes the bytes.</param>
    /// <param name="cancellationToken">Ends the export.</param>
    /// <exception cref="IncompleteExportException">Clicks were gone before they were read.</exception>
    public async Task WriteAsync(
        string shortCode,
        StatisticsQuery query,
        long expected,
        long caller,
        Action begin,
        PipeWriter output,
        CancellationToken cancellationToken
    )
    {
        var started = time.GetTimestamp();
        long written = 0;
        var hasBegun = false;
        await foreach (var page in clicks.ReadAsync(shortCode, query.From, query.To, caller, cancellationToken))
        {
            Begin();
            foreach (var click in page)
            {
                Write(output, click, query.Zone);
                if (output.UnflushedBytes >= FlushBytes)
                    await FlushAsync(output, cancellationToken);
            }

            written += page.Count;
            ExportMetrics.Rows.Inc(page.Count);
            await FlushAsync(output, cancellationToken);
            var ahead = TimeSpan.FromSeconds((double)written / options.RowsPerSecond) - time.GetElapsedTime(started);
            if (ahead > TimeSpan.Zero)
                await Task.Delay(ahead, time, cancellationToken);
        }

        // Deleted with their link or by their age, or on a replica that lags behind. A file without them would look whole.
        if (written < expected)
            throw new IncompleteExportException($"{expected - written} of {expected} clicks were gone before they were read.");
        Begin();
        await FlushAsync(output, cancellationToken);

        void Begin()
        {
            if (hasBegun)
                return;
            hasBegun = true;
            begin();
            CsvText.Write(output, Header);
        }
    }

    /// <summary>Writes one click.</summary>
    internal static void Write(PipeWriter output, SingleClick click, TimeZoneInfo zone) =>
        CsvText.Write(
            output,
            TimeZoneInfo.ConvertTime(click.At, zone).ToString(TimeFormat, CultureInfo.InvariantCulture),
            click.IsBot ? "true" : "false",
            NameOf(click.Device),
            click.Country ?? ClickStatistics.UnknownCountry,
            ClickSources.NameOf(click.Source)
        );

    private static string NameOf(DeviceClass device) =>
        device switch
        {
            DeviceClass.Mobile => "mobile",
            DeviceClass.Desktop => "desktop",
            DeviceClass.Tablet => "tablet",
            _ => "other",
        };

    private static async ValueTask FlushAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        var flushed = await output.FlushAsync(cancellationToken);
        // Nobody reads any more.
        if (flushed.IsCompleted || flushed.IsCanceled)
            throw new OperationCanceledException("The client has closed the connection.");
    }
}

/// <summary>Clicks that were counted are not there any more.</summary>
internal sealed class IncompleteExportException(string message) : DependencyException(message);
