using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

[assembly: AssemblyFixture(typeof(CommonProduct))]

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>
/// One product for all classes whose tests leave it as it is for others, as it is out of the box, but for the limit on the one address that all tests come from.
/// It starts with the first of them.
/// </summary>
public sealed class CommonProduct : IAsyncLifetime
{
    private static readonly Lazy<Task<SharedProduct>> Started = new(() => Task.Run(StartAsync));
    private static readonly Lazy<Task> Ended = new(async () => await (await Started.Value).DisposeAsync());

    /// <summary>The settings that make it fit for tests: on a busy machine, a search of a few links may take longer than one usually may.</summary>
    internal static IReadOnlyList<string> Settings { get; } =
    ["--RateLimiting:Anonymous=1000000", "--RateLimiting:Enterprise=1000000", "--Links:SearchTime=00:00:01.500"];

    /// <summary>The product.</summary>
    internal static Task<SharedProduct> GetAsync() => Started.Value;

    /// <summary>Ends it, if it was started, before what it needs. Fails unless it stops as it should.</summary>
    internal static Task EndAsync() => Started is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } ? Ended.Value : Task.CompletedTask;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await EndAsync();

    private static async Task<SharedProduct> StartAsync()
    {
        var product = new SharedProduct();
        await product.StartAsync([.. Settings]);
        return product;
    }
}
