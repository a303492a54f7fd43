namespace UrlShortener.Load.Cases;

/// <summary>Creations over HTTP, each acknowledged after its commit is on disk, against bare INSERTs with a durable commit each.</summary>
internal sealed class Creations : ILoadCase
{
    private const double MostP99Milliseconds = 100;
    private const double LeastPerSecond = 5_000;

    public string Name => "creates";

    public async Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken)
    {
        var (options, wrk) = (context.Options, context.Wrk);
        await using var product = await installation.StartAsync(cancellationToken);
        await using var floor = await PostgresFloor.OpenAsync(installation.Postgres, options.MostConnections, cancellationToken);
        var run = 0;

        context.Progress("warm-up");
        var warmUp = await wrk.CreateAsync(product.Server.Address, product.ApiKey, ++run, options.WarmUp, cancellationToken);
        await floor.InsertAsync(1, options.WarmUp, cancellationToken);
        var (light, full) = (await MeasureAsync(options.Light("creations")), await MeasureAsync(options.Full("creations")));
        await product.Server.StopAsync(cancellationToken);
        return new CaseReport(
            "Creations: POST /api/v1/urls",
            "The floor has no HTTP in it: a prepared INSERT of one row into a table with a primary key and nothing else, through Npgsql, a durable "
                + "commit each, with as "
                + "many loops as connections. Above 1 the product is faster: it shares statements and commits among requests.",
            "links/s",
            [light, full],
            [],
            [
                Target.AtMost("P-03 creation, p99, light load", light.ProductP99.Median / 1e3, MostP99Milliseconds, "ms"),
                Target.AtMost("P-03 creation, p99, full load", full.ProductP99.Median / 1e3, MostP99Milliseconds, "ms"),
                Target.AtLeast($"P-05 creations per second, {options.Connections} connections", full.ProductRate.Median, LeastPerSecond, "/s"),
            ]
        )
        {
            OtherErrors = warmUp.Errors,
        };

        Task<Comparison> MeasureAsync(LoadProfile load) =>
            RoundLoop.MeasureAsync(
                load,
                options.Rounds,
                _ => floor.InsertAsync(1, load, cancellationToken),
                _ => wrk.CreateAsync(product.Server.Address, product.ApiKey, ++run, load, cancellationToken),
                null,
                context.Progress
            );
    }
}
