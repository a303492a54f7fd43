using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>The product of <see cref="CommonProduct"/>, for a class.</summary>
public sealed class ProductFixture : IAsyncLifetime
{
    private SharedProduct? _shared;

    internal ProductProcess Product => _shared?.Product ?? throw new InvalidOperationException("The product is not started.");

    public async ValueTask InitializeAsync() => _shared = await CommonProduct.GetAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>One product for all tests of a class, behind a proxy on loopback that it trusts.</summary>
public sealed class ProxiedProductFixture : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly SharedProduct _shared = new();

    internal ProductProcess Product => _shared.Product;

    public async ValueTask InitializeAsync()
    {
        var places = _folder.PathOf("places.mmdb");
        Places.WriteTo(places);
        await _shared.StartAsync(
            "--Proxies:Trusted:0=127.0.0.1",
            "--Links:OwnHosts:0=127.0.0.1",
            "--Clicks:CountryHeader=CF-IPCountry",
            $"--Clicks:GeoDatabasePath={places}",
            "--RateLimiting:Enterprise=1000000"
        );
    }

    public async ValueTask DisposeAsync()
    {
        await _shared.DisposeAsync();
        _folder.Dispose();
    }
}
