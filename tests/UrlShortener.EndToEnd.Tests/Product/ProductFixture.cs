using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>One product for all tests of a class, as it is out of the box, but for the limit on the one address that all tests come from.</summary>
public sealed class ProductFixture : IAsyncLifetime
{
    private ProductProcess? _product;

    internal ProductProcess Product => _product ?? throw new InvalidOperationException("The product is not started.");

    public async ValueTask InitializeAsync() => _product = await ProductProcess.StartAsync("--RateLimiting:Anonymous=1000000", "--RateLimiting:Enterprise=1000000");

    public async ValueTask DisposeAsync()
    {
        if (_product is null)
            return;
        await _product.StopAsync();
        await _product.DisposeAsync();
    }
}

/// <summary>One product for all tests of a class, behind a proxy on loopback that it trusts.</summary>
public sealed class ProxiedProductFixture : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private ProductProcess? _product;

    internal ProductProcess Product => _product ?? throw new InvalidOperationException("The product is not started.");

    public async ValueTask InitializeAsync()
    {
        var places = _folder.PathOf("places.mmdb");
        Places.WriteTo(places);
        _product = await ProductProcess.StartAsync(
            "--Proxies:Trusted:0=127.0.0.1", "--Clicks:CountryHeader=CF-IPCountry", $"--Clicks:GeoDatabasePath={places}", "--RateLimiting:Enterprise=1000000");
    }

    public async ValueTask DisposeAsync()
    {
        if (_product is not null)
        {
            await _product.StopAsync();
            await _product.DisposeAsync();
        }

        _folder.Dispose();
    }
}
