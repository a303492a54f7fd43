namespace UrlShortener.Load.Cases;

/// <summary>Redirects and creations at the same time, while the connections to PostgreSQL that are at work are sampled.</summary>
internal sealed class MixedLoad : ILoadCase
{
    private const int Links = 1000;
    private const double MostShare = 0.7;
    private static readonly TimeSpan SampleInterval = TimeSpan.FromMilliseconds(10);
    private static readonly string[] Pools = ["primary", "replicas"];

    public string Name => "pools";

    public async Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken)
    {
        var (options, wrk) = (context.Options, context.Wrk);
        await using var product = await installation.StartAsync(cancellationToken);
        var file = await context.WritePathsAsync("paths", await product.CreateLinksAsync(Links, cancellationToken), cancellationToken);
        await wrk.RedirectAsync(product.Server.Address, file, options.WarmUp, strict: false, cancellationToken);

        var load = options.Full("redirects and creations");
        context.Progress(load.Name);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sampling = SampleAsync(product, end.Token);
        var redirects = wrk.RedirectAsync(product.Server.Address, file, load, strict: false, cancellationToken);
        var creations = wrk.CreateAsync(product.Server.Address, product.ApiKey, 1, load, cancellationToken);
        await Task.WhenAll(redirects, creations);
        await end.CancelAsync();
        var peaks = await sampling;
        await product.Server.StopAsync(cancellationToken);
        var (redirect, create) = (await redirects, await creations);
        return new CaseReport(
            "Connections to PostgreSQL at work under redirects and creations",
            $"{options.Connections} connections follow links and as many create some, without pauses, for {options.Seconds} s. The gauges of the "
                + "product are sampled every "
                + $"{SampleInterval.TotalMilliseconds:0} ms at most.",
            "req/s",
            [],
            [
                new CaseTable(
                    "Pools",
                    ["Pool", "Most at work", "Limit", "Share", "Samples"],
                    [.. peaks.Select(peak => new[] { peak.Pool, $"{peak.InUse}", $"{peak.Limit}", CaseTable.Cell($"{peak.Share:P0}"), $"{peak.Samples}" })]
                ),
                new CaseTable(
                    "Load meanwhile",
                    ["", "per second", "p50 µs", "p99 µs"],
                    [
                        ["Redirects", CaseTable.Cell($"{redirect.RequestsPerSecond:N0}"), $"{redirect.P50Microseconds}", $"{redirect.P99Microseconds}"],
                        ["Creations", CaseTable.Cell($"{create.RequestsPerSecond:N0}"), $"{create.P50Microseconds}", $"{create.P99Microseconds}"],
                    ]
                ),
            ],
            [.. peaks.Select(peak => Target.AtMost($"P-08 connections at work, {peak.Pool}, peak", 100 * peak.Share, 100 * MostShare, "%"))]
        )
        {
            OtherErrors = redirect.Errors + create.Errors,
        };
    }

    private static async Task<IReadOnlyList<Peak>> SampleAsync(Product product, CancellationToken cancellationToken)
    {
        var peaks = Pools.Select(pool => new Peak(pool, 0, 0, 0)).ToArray();
        try
        {
            while (true)
            {
                var metrics = await product.ReadMetricsAsync(cancellationToken);
                for (var i = 0; i < peaks.Length; i++)
                {
                    var label = $"target=\"{peaks[i].Pool}\"";
                    peaks[i] = peaks[i] with
                    {
                        InUse = Math.Max(peaks[i].InUse, metrics.Sum("shortener_postgres_connections_in_use", label)),
                        Limit = metrics.Sum("shortener_postgres_connections_limit", label),
                        Samples = peaks[i].Samples + 1,
                    };
                }

                await Task.Delay(SampleInterval, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The load is over, or the whole run; the caller knows which.
            return peaks;
        }
    }

    private sealed record Peak(string Pool, double InUse, double Limit, int Samples)
    {
        public double Share => InUse / Math.Max(1, Limit);
    }
}
