using UrlShortener.EndToEnd.Tests.Product;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

/// <summary>Tests of several processes on the same stores, as they run in a region: migrated before, some with the role app, one with the role kgs.</summary>
public abstract class PodTest : ProductTest
{
    /// <summary>The secret of the key generation service.</summary>
    protected const string KgsToken = Regions.KgsToken;

    /// <summary>Stores behind a gate in front of Redis, which go with the test.</summary>
    private protected async Task<ProductStores> NewStoresWithRedisGateAsync() => Own(await ProductStores.CreateWithRedisGateAsync());

    /// <summary>Stores that are migrated and have one user, and go with the test.</summary>
    private protected async Task<ProductStores> NewRegionStoresAsync(bool isRedisGated = false) => Own(await Regions.CreateStoresAsync(isRedisGated));

    /// <summary>Two app processes and a key generation service that has filled its pool and theirs.</summary>
    /// <param name="stores">Stores of <see cref="NewRegionStoresAsync"/>; null: new ones.</param>
    /// <param name="settings">Settings of all processes.</param>
    private protected async Task<Region> StartRegionAsync(ProductStores? stores = null, params string[] settings) =>
        await Regions.StartAsync(stores ?? await NewRegionStoresAsync(), Own, settings);

    /// <summary>The region of <see cref="CommonRegion"/>.</summary>
    private protected async Task<Region> GetCommonRegionAsync()
    {
        var region = await CommonRegion.GetAsync();
        foreach (var process in region.Processes)
            Share(process);
        return region;
    }
}
