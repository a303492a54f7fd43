namespace UrlShortener.Load.Cases;

/// <summary>Redirects of many links, a few of them very often: which tier answers how many.</summary>
internal sealed class ZipfRedirects : ILoadCase
{
    private const double LeastHitRatio = 0.95;

    public string Name => "zipf";

    public async Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken)
    {
        var (options, wrk) = (context.Options, context.Wrk);
        await using var product = await installation.StartAsync(cancellationToken);
        context.Progress($"creating {options.Links} links");
        var paths = await product.CreateLinksAsync(options.Links, cancellationToken);
        var file = await context.WritePathsAsync("paths", paths, cancellationToken);

        var windows = new List<Window>();
        var cold = new LoadProfile("from the start, all caches empty", options.Connections, options.WarmUpSeconds);
        windows.Add(await MeasureAsync(cold, 1));
        windows.Add(await MeasureAsync(options.Full("afterwards"), 2));
        var warm = windows[^1];
        await product.Server.StopAsync(cancellationToken);
        return new CaseReport(
            $"Cache hits under Zipf's load over {CaseTable.Cell($"{options.Links:N0}")} links",
            "Link k is requested with a probability of about 1/k (exponent 1). From shortener_cache_lookups_total: memory is what it answered itself; "
                + "database is what Redis "
                + "did not have or did not answer; Redis is the rest, those included that waited for another request's load of the same link. The hit "
                + "ratio is the share that did not reach the database.",
            "req/s",
            [],
            [
                new CaseTable(
                    "Windows",
                    ["Window", "s", "req/s", "p99 µs", "Lookups", "Memory", "Redis", "Database", "Hit ratio"],
                    [
                        .. windows.Select(window =>
                            new[]
                            {
                                window.Load.Name,
                                $"{window.Load.Seconds}",
                                CaseTable.Cell($"{window.Measurement.RequestsPerSecond:N0}"),
                                $"{window.Measurement.P99Microseconds}",
                                CaseTable.Cell($"{window.Lookups.All:N0}"),
                                CaseTable.Cell($"{window.Lookups.ShareOf(window.Lookups.Memory):P2}"),
                                CaseTable.Cell($"{window.Lookups.ShareOf(window.Lookups.Redis):P2}"),
                                CaseTable.Cell($"{window.Lookups.ShareOf(window.Lookups.Database):P2}"),
                                CaseTable.Cell($"{window.Lookups.HitRatio:P2}"),
                            }
                        ),
                    ]
                ),
            ],
            [
                Target.AtLeast(
                    CaseTable.Cell($"P-07 hit ratio, {options.WarmUpSeconds} s after a cold start"),
                    100 * warm.Lookups.HitRatio,
                    100 * LeastHitRatio,
                    "%"
                ),
            ]
        )
        {
            OtherErrors = windows.Sum(window => window.Measurement.Errors),
        };

        async Task<Window> MeasureAsync(LoadProfile load, int seed)
        {
            context.Progress(load.Name);
            var before = CacheLookups.Of(await product.ReadMetricsAsync(cancellationToken));
            var measurement = await wrk.RedirectZipfAsync(product.Server.Address, file, seed, load, cancellationToken);
            return new Window(load, measurement, CacheLookups.Of(await product.ReadMetricsAsync(cancellationToken)).Since(before));
        }
    }

    private sealed record Window(LoadProfile Load, Measurement Measurement, CacheLookups Lookups);
}
