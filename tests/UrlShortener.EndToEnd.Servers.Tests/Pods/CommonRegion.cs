using UrlShortener.EndToEnd.Servers.Tests.Pods;
using Xunit;

[assembly: AssemblyFixture(typeof(CommonRegion))]

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

/// <summary>One region for all tests that leave it as it is for others. It starts with the first of them.</summary>
public sealed class CommonRegion : IAsyncLifetime
{
    /// <summary>Longer than any test: what a pod has cached goes by a change alone.</summary>
    internal static readonly string[] LongCaching = ["--Caching:Ttl=01:00:00", "--Caching:NegativeTtl=00:05:00"];

    private static readonly Lazy<Task<Region>> Started = new(() => Task.Run(StartAsync));
    private static readonly Lazy<Task> Ended = new(StopAsync);

    /// <summary>The region.</summary>
    internal static Task<Region> GetAsync() => Started.Value;

    /// <summary>Ends it, if it was started, before what it needs. Fails unless its processes stop as they should.</summary>
    internal static Task EndAsync() => Started is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } ? Ended.Value : Task.CompletedTask;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await EndAsync();

    private static async Task StopAsync()
    {
        var region = await Started.Value;
        foreach (var process in region.Processes)
        {
            await process.StopAsync();
            await process.DisposeAsync();
        }

        await region.Stores.DisposeAsync();
    }

    private static async Task<Region> StartAsync() =>
        await Regions.StartAsync(
            await Regions.CreateStoresAsync(),
            process => process,
            ["--Links:OwnHosts:0=sho.rt", "--Links:OwnHosts:1=127.0.0.1", .. LongCaching]
        );
}
