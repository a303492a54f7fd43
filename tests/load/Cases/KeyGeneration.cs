using System.Diagnostics;
using System.Security.Cryptography;

namespace UrlShortener.Load.Cases;

/// <summary>How fast the key generation service fills a region's pool, against the same rows by COPY into a table without an index.</summary>
internal sealed class KeyGeneration : ILoadCase
{
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int CodeLength = 7;
    private const double LeastPerSecond = 10_000;
    private const double AimPerSecond = 100_000;
    private static readonly (int Workers, int Batch)[] Variants = [(1, 10_000), (2, 10_000), (4, 10_000), (2, 50_000)];
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public string Name => "keys";

    public async Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken)
    {
        var count = context.Options.Keys;
        string[] codes = [.. Enumerable.Range(0, count).Select(_ => RandomNumberGenerator.GetString(Base62, CodeLength))];
        var results = new List<Result>();
        foreach (var (workers, batch) in Variants)
        {
            context.Progress($"{workers} workers, batches of {batch}");
            // The pool of a region that nobody filled yet.
            results.Add(await MeasureAsync(installation, $"region-{results.Count + 1}", count, workers, batch, cancellationToken));
            await using var floor = await PostgresFloor.OpenAsync(installation.Postgres, workers, cancellationToken);
            results[^1] = results[^1] with { Copied = await floor.CopyAsync(codes, batch, workers, cancellationToken) };
        }

        var (best, standard) = (results.Max(result => result.Generated), results.First(result => (result.Workers, result.Batch) == (2, 10_000)).Generated);
        return new CaseReport(
            "Key generation",
            CaseTable.Cell($"A process with Role=kgs fills an empty pool with {count:N0} codes: generated, claimed in PostgreSQL, pooled in Redis, marked. ")
                + "Its first fifth is warm-up. "
                + "The registry grows from variant to variant. The floor is the same number of rows by binary COPY into a table without an index, "
                + "batches and connections alike, a durable commit each.",
            "keys/s",
            [],
            [
                new CaseTable(
                    "Variants",
                    ["Workers × batch", "Floor rows/s", "Keys/s", "Ratio", "Service CPU per key, µs"],
                    [
                        .. results.Select(result =>
                            new[]
                            {
                                $"{result.Workers} × {result.Batch}",
                                CaseTable.Cell($"{result.Copied:N0}"),
                                CaseTable.Cell($"{result.Generated:N0}"),
                                CaseTable.Cell($"{result.Generated / result.Copied:0.000}"),
                                CaseTable.Cell($"{result.CpuMicroseconds:0.0}"),
                            }
                        ),
                    ]
                ),
            ],
            [
                Target.AtLeast("P-06 keys per second, default workers and batches", standard, LeastPerSecond, "/s"),
                Target.AtLeast("P-06 keys per second, best variant, aim", best, AimPerSecond, "/s"),
            ]
        );
    }

    private static async Task<Result> MeasureAsync(
        Installation installation,
        string region,
        int count,
        int workers,
        int batch,
        CancellationToken cancellationToken
    )
    {
        await using var product = await installation.StartAsync(
            [
                "--Role=kgs",
                $"--Kgs:Token={RandomNumberGenerator.GetString(Base62, 40)}",
                $"--Region:Name={region}",
                "--Kgs:MaxKeysPerSecond=1000000",
                $"--Kgs:TargetLevel={count}",
                $"--Kgs:LowWatermark={count / 2}",
                $"--Kgs:CriticalWatermark={count / 4}",
                $"--Kgs:Workers={workers}",
                $"--Kgs:BatchSize={batch}",
            ],
            cancellationToken
        );
        var started = Stopwatch.GetTimestamp();
        var first = await WaitAsync(count / 5);
        var last = await WaitAsync(count);
        await product.Server.StopAsync(cancellationToken);
        var keys = last.Level - first.Level;
        return new Result(workers, batch, keys / (last.At - first.At).TotalSeconds, 0, (last.Cpu - first.Cpu).TotalMicroseconds / keys);

        async Task<Sample> WaitAsync(double level)
        {
            while (Stopwatch.GetElapsedTime(started) < Limit)
            {
                var (at, cpu) = (Stopwatch.GetElapsedTime(started), product.Server.CpuTime);
                var reached = (await product.ReadMetricsAsync(cancellationToken)).Sum("shortener_kgs_pool_keys");
                if (reached >= level)
                    return new Sample(at, cpu, reached);
                await Task.Delay(Poll, cancellationToken);
            }

            throw new LoadException($"The pool did not reach {level:0} codes within {Limit.TotalMinutes:0} minutes.");
        }
    }

    private sealed record Sample(TimeSpan At, TimeSpan Cpu, double Level);

    private sealed record Result(int Workers, int Batch, double Generated, double Copied, double CpuMicroseconds);
}
