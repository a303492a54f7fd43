using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>One product for all tests of a class, as it is out of the box, but for the limit on the one address that all tests come from.</summary>
public sealed class ProductFixture : IAsyncLifetime
{
    private readonly SharedProduct _shared = new();

    internal ProductProcess Product => _shared.Product;

    internal bool IsStarted => _shared.IsStarted;

    public async ValueTask InitializeAsync() => await _shared.StartAsync("--RateLimiting:Anonymous=1000000", "--RateLimiting:Enterprise=1000000");

    public ValueTask DisposeAsync() => _shared.DisposeAsync();
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
