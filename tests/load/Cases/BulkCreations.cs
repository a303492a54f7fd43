namespace UrlShortener.Load.Cases;

/// <summary>Requests that create 1,000 links each, one after the other.</summary>
internal sealed class BulkCreations : ILoadCase
{
    private const int Links = 1000;
    private const double MostSeconds = 5;
    private const double AimSeconds = 0.3;

    public string Name => "bulk";

    public async Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken)
    {
        var (options, wrk) = (context.Options, context.Wrk);
        await using var product = await installation.StartAsync(cancellationToken);
        await using var floor = await PostgresFloor.OpenAsync(installation.Postgres, 1, cancellationToken);
        var load = new LoadProfile("bulk", 1, options.Seconds);

        context.Progress("warm-up");
        var warmUp = await wrk.BulkAsync(product.Server.Address, product.ApiKey, Links, load with { Seconds = options.WarmUp.Seconds }, cancellationToken);
        await floor.InsertAsync(Links, load with { Seconds = options.WarmUp.Seconds }, cancellationToken);
        var comparison = await RoundLoop.MeasureAsync(
            load,
            options.Rounds,
            _ => floor.InsertAsync(Links, load, cancellationToken),
            _ => wrk.BulkAsync(product.Server.Address, product.ApiKey, Links, load, cancellationToken),
            null,
            context.Progress
        );
        await product.Server.StopAsync(cancellationToken);
        return new CaseReport(
            "Bulk creations: POST /api/v1/urls/bulk with 1,000 links",
            "The floor has no HTTP in it: an INSERT of 1,000 rows into a table with a primary key and nothing else, through Npgsql, with a durable commit.",
            "bulks/s",
            [comparison],
            [],
            [
                Target.AtMost("P-09 bulk of 1,000 links, p99", comparison.ProductP99.Median / 1e6, MostSeconds, "s"),
                Target.AtMost("P-09 bulk of 1,000 links, median, aim", comparison.ProductP50.Median / 1e6, AimSeconds, "s"),
            ]
        )
        {
            OtherErrors = warmUp.Errors,
        };
    }
}
