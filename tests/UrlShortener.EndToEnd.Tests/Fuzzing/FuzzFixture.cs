using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>One product for all fuzzing: what one group leaves behind must not harm the next.</summary>
public sealed class FuzzFixture : IAsyncLifetime
{
    private readonly ProductFixture _product = new();
    private FuzzTarget? _target;

    internal ProductProcess Product => _product.Product;

    internal FuzzTarget Target => _target ?? throw new InvalidOperationException("The product is not started.");

    public async ValueTask InitializeAsync()
    {
        await _product.InitializeAsync();
        if (_product.IsStarted)
            _target = await FuzzTarget.StartAsync(Product);
    }

    /// <summary>Fails unless the product still stops as it should.</summary>
    public ValueTask DisposeAsync() => _product.DisposeAsync();
}
