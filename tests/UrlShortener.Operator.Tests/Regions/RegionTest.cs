using UrlShortener.ControllerRuntime.Hosting;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>A test with a laboratory of its own, which ends with it.</summary>
public abstract class RegionTest(ApiServerFixture apiServer, StoresFixture stores) : IAsyncDisposable
{
    private RegionLab? _lab;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected RegionLab Lab => _lab ?? throw new InvalidOperationException("The laboratory is not started yet.");

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_lab is not null)
            await _lab.DisposeAsync();
    }

    /// <summary>Starts it; parameters as for <see cref="RegionLab.StartAsync"/>.</summary>
    private protected async Task StartAsync(
        Action<RuntimeOptions>? settings = null,
        bool hasOperator = true,
        StorePrograms? programs = null,
        int patience = RegionLab.Patience
    ) => _lab = await RegionLab.StartAsync(apiServer, stores, settings, hasOperator, programs, patience: patience);

    /// <summary>Starts it; parameters as for <see cref="RegionLab.StartWithFakePodsAsync"/>.</summary>
    private protected async Task StartWithFakePodsAsync(Action<RuntimeOptions>? settings = null, bool hasOperator = true) =>
        _lab = await RegionLab.StartWithFakePodsAsync(apiServer, settings, hasOperator);
}
