using System.Net;

namespace UrlShortener.Load.Cases;

/// <summary>Redirects of links that the process holds in memory, against a bare Kestrel endpoint; every click is stored.</summary>
internal sealed class WarmRedirects : ILoadCase
{
    private const int Links = 1000;
    private const double MostP99Milliseconds = 10;
    private const double LeastPerSecond = 50_000;

    public string Name => "redirects";

    public async Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken)
    {
        var (options, wrk) = (context.Options, context.Wrk);
        await using var floor = await ServerProcess.StartAsync(Executables.FindFloor(), [], "/", HttpStatusCode.Found, null, cancellationToken);
        await using var product = await installation.StartAsync(cancellationToken);
        var file = await context.WritePathsAsync("paths", await product.CreateLinksAsync(Links, cancellationToken), cancellationToken);

        context.Progress("warm-up");
        var warmUp = await wrk.RedirectAsync(product.Server.Address, file, options.WarmUp, strict: true, cancellationToken);
        await wrk.RedirectAsync(floor.Address, file, options.WarmUp, strict: false, cancellationToken);
        await product.DrainAsync(cancellationToken);
        var (full, light) = (await MeasureAsync(options.Full("redirects")), await MeasureAsync(options.Light("redirects")));
        var clicks = await product.ReadClicksAsync(cancellationToken);
        await product.Server.StopAsync(cancellationToken);
        await floor.StopAsync(cancellationToken);
        return new CaseReport(
            "Redirects from memory",
            "The floor is a bare Kestrel endpoint. The product looks the link up in its memory, captures the click, and stores all clicks in "
                + "PostgreSQL meanwhile.",
            "req/s",
            [full, light],
            [
                new CaseTable(
                    "Clicks",
                    ["", "Redirects", "Stored", "Dropped"],
                    [
                        ["All runs", $"{clicks.Redirects}", $"{clicks.Stored}", $"{clicks.Dropped}"],
                    ]
                ),
            ],
            [
                Target.AtMost("P-01 redirect from memory, p99, light load", light.ProductP99.Median / 1e3, MostP99Milliseconds, "ms"),
                Target.AtMost("P-01 redirect from memory, p99, full load", full.ProductP99.Median / 1e3, MostP99Milliseconds, "ms"),
                Target.AtLeast("P-04 redirects per second, generator on the same cores", full.ProductRate.Median, LeastPerSecond, "/s"),
                Target.AtMost("Clicks dropped", clicks.Dropped, 0, ""),
            ]
        )
        {
            OtherErrors = warmUp.Errors,
        };

        Task<Comparison> MeasureAsync(LoadProfile load) =>
            RoundLoop.MeasureAsync(
                load,
                options.Rounds,
                _ => wrk.RedirectAsync(floor.Address, file, load, strict: false, cancellationToken),
                _ => wrk.RedirectAsync(product.Server.Address, file, load, strict: false, cancellationToken),
                () => product.DrainAsync(cancellationToken),
                context.Progress
            );
    }
}
