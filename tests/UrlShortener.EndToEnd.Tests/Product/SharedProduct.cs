using Xunit.Sdk;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>A product that all tests of a class use. A fixture that cannot have it fails its tests; what they ask for here skips them instead.</summary>
internal sealed class SharedProduct : IAsyncDisposable
{
    private ProductProcess? _product;
    private SkipException? _missing;

    /// <summary>The product; skips the test that asks for it when there is none.</summary>
    public ProductProcess Product => _missing is null ? _product ?? throw new InvalidOperationException("The product is not started.") : throw _missing;

    /// <summary>Whether there is a product.</summary>
    public bool IsStarted => _product is not null;

    /// <summary>Starts the product.</summary>
    public Task StartAsync(params string[] settings) => StartAsync(new Dictionary<string, string>(), settings);

    /// <summary>Starts the product with variables in its environment.</summary>
    public async Task StartAsync(IReadOnlyDictionary<string, string> environment, params string[] settings)
    {
        try
        {
            _product = await ProductProcess.StartAsync(environment, settings);
        }
        catch (SkipException missing)
        {
            _missing = missing;
        }
    }

    /// <summary>Fails unless the product stops as it should.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_product is null)
            return;
        await _product.StopAsync();
        await _product.DisposeAsync();
    }
}
