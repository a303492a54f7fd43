using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

/// <summary>A test with a region and a pool of its own, which end with it.</summary>
public abstract class PoolTest(ApiServerFixture apiServer, StoresFixture stores) : IAsyncDisposable
{
    private PoolLab? _pool;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected PoolLab Pool => _pool ?? throw new InvalidOperationException("The laboratory is not started yet.");

    private protected RegionLab Lab => Pool.Lab;

    private protected StoresFixture Stores => stores;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_pool is not null)
            await _pool.DisposeAsync();
    }

    /// <summary>Starts it; parameters as for <see cref="PoolLab.StartAsync"/>.</summary>
    private protected async Task StartLabAsync(bool hasRegion = true) => _pool = await PoolLab.StartAsync(apiServer, stores, hasRegion);

    /// <summary>Starts a laboratory with a pool, and waits until the pool is full.</summary>
    private protected async Task StartAsync(int maxReplicas = 2)
    {
        await StartLabAsync();
        await Pool.Lab.Client.CreateAsync(Pool.Pool(patch: $$"""{ "kgs": { "maxReplicas": {{maxReplicas}} } }"""));
        await Pool.UntilAsync(
            pool => PoolLab.Has(pool, ConditionTypes.Ready, "True") && pool.Status is { Refill.FilledTo: 3_000, Kgs.ReadyReplicas: >= 1 },
            "the pool is ready and full"
        );
    }
}
