using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>One product for all fuzzing: what one group leaves behind must not harm the next.</summary>
public sealed class FuzzFixture : IAsyncLifetime
{
    private readonly SharedProduct _shared = new();
    private FuzzTarget? _target;

    internal ProductProcess Product => _shared.Product;

    internal FuzzTarget Target => _target ?? throw new InvalidOperationException("The product is not started.");

    public async ValueTask InitializeAsync()
    {
        await _shared.StartAsync([.. CommonProduct.Settings]);
        if (_shared.IsStarted)
            _target = await FuzzTarget.StartAsync(Product);
    }

    /// <summary>Fails unless the product still stops as it should.</summary>
    public ValueTask DisposeAsync() => _shared.DisposeAsync();
}

/// <summary>Tests of one product after the other: each looks at what it wrote meanwhile.</summary>
[CollectionDefinition(nameof(FuzzGroup))]
public sealed class FuzzGroup : ICollectionFixture<FuzzFixture>;
