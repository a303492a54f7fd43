using System.Globalization;

namespace UrlShortener.Load;

/// <summary>A database, a part of Redis, and the processes of the product that share them.</summary>
internal sealed class Installation(string name, string executable, string postgres, string redis)
{
    // Enough for any measurement to draw on, filled within seconds; a run that creates more links pays for their keys while it is measured, as in operation.
    private const int Keys = 100_000;
    private static readonly TimeSpan FillLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FillPoll = TimeSpan.FromMilliseconds(100);

    private string? _apiKey;

    public string Name => name;

    public string Postgres => postgres;

    /// <summary>The key in Redis that the product keeps a link under.</summary>
    public string RedisKeyOf(string shortCode) => $"{name}:link:{shortCode}";

    /// <summary>Starts a process that does everything, and waits until it and the region have keys, so that making them is in nobody's figures by
    /// chance.</summary>
    public async Task<Product> StartAsync(CancellationToken cancellationToken, params (string Name, string Value)[] environment)
    {
        var product = await StartAsync(
            [$"--Kgs:TargetLevel={Text(Keys)}", $"--Kgs:LowWatermark={Text(Keys / 2)}", $"--Kgs:CriticalWatermark={Text(Keys / 10)}"],
            cancellationToken,
            environment
        );
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(FillLimit);
            while ((await product.ReadMetricsAsync(limit.Token)).Sum("shortener_kgs_pool_keys") < Keys / 2)
                await Task.Delay(FillPoll, limit.Token);
            return product;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await product.DisposeAsync();
            throw new LoadException($"The region's keys were not there after {FillLimit.TotalSeconds:0} s.");
        }
    }

    /// <summary>Starts a process with further arguments.</summary>
    public async Task<Product> StartAsync(IEnumerable<string> arguments, CancellationToken cancellationToken, params (string Name, string Value)[] environment)
    {
        var product = await Product.StartAsync(
            executable,
            [
                $"--ConnectionStrings:Postgres={postgres}",
                $"--ConnectionStrings:Redis={redis}",
                $"--Redis:KeyPrefix={name}",
                "--Postgres:MigrateOnStart=true",
                "--Logging:LogLevel:Default=Warning",
                .. arguments,
            ],
            _apiKey,
            cancellationToken,
            environment
        );
        _apiKey = product.ApiKey;
        return product;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
