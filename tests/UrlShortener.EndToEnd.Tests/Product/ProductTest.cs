using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>A test against the product, which shows the product's output when it fails.</summary>
public abstract class ProductTest : IAsyncLifetime
{
    private readonly List<ProductProcess> _shared = [];
    private readonly List<ProductProcess> _own = [];
    private readonly List<ProductStores> _stores = [];
    private readonly List<TestFolder> _folders = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            foreach (var product in _shared.Concat(_own))
                TestContext.Current.TestOutputHelper?.WriteLine($"Output of the product:\n{product.AllOutput}");
        }

        foreach (var product in _own)
            await product.DisposeAsync();
        foreach (var stores in _stores)
            await stores.DisposeAsync();
        foreach (var folder in _folders)
            folder.Dispose();
    }

    /// <summary>A product that other tests use, too.</summary>
    private protected ProductProcess Share(ProductProcess product)
    {
        _shared.Add(product);
        return product;
    }

    /// <summary>A product of this test alone, ended with it.</summary>
    private protected ProductProcess Own(ProductProcess product)
    {
        _own.Add(product);
        return product;
    }

    /// <summary>Starts a product for this test alone, ended with it.</summary>
    private protected async Task<ProductProcess> StartAsync(params string[] settings) => Own(await ProductProcess.StartAsync(settings));

    /// <summary>Starts a product with the memory of a small pod for this test alone; see <see cref="SmallPod"/>.</summary>
    private protected async Task<ProductProcess> StartSmallPodAsync(params string[] settings) => Own(await ProductProcess.StartSmallPodAsync(settings));

    /// <summary>A place for data of this test alone, which goes with it.</summary>
    private protected async Task<ProductStores> NewStoresAsync() => Own(await ProductStores.CreateAsync());

    /// <summary>A place for data that goes with the test.</summary>
    private protected ProductStores Own(ProductStores stores)
    {
        _stores.Add(stores);
        return stores;
    }

    /// <summary>A folder of this test alone, deleted with it.</summary>
    private protected TestFolder NewFolder()
    {
        var folder = new TestFolder();
        _folders.Add(folder);
        return folder;
    }

    /// <summary>An alias that no other test uses.</summary>
    private protected static string NewAlias() => Guid.NewGuid().ToString("N")[..10];

    /// <summary>An email address that no other test uses.</summary>
    private protected static string NewEmail() => $"{Guid.NewGuid():N}@example.com";
}
