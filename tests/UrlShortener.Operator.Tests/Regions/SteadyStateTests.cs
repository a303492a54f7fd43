using k8s;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>A region to which nothing happens.</summary>
public sealed class SteadyStateTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private const int MostPeriods = 4;
    private const int Looks = 6;

    [Fact]
    public async Task Region_InSteadyState_NothingIsWritten()
    {
        await StartAsync(options => options.Resync = TimeSpan.FromSeconds(5));
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");

        // On a busy machine a pod may answer a probe too late, and the status tells of it. What is written at each look is written in every period.
        for (var period = 1; ; period++)
        {
            var began = TimeProvider.System.GetUtcNow();

            // An annotation of somebody else is no reason to write. It is one to compare everything, however quiet the region was.
            for (var look = 1; look <= Looks; look++)
            {
                await Lab.AnnotateAsync("example.com/look", $"{period}-{look}");
                await UntilQuietAsync();
            }

            // And once more the region's health, which the operator looks at each 10 s, and what the resync brings.
            var before = await Lab.ReadAsync();
            await Task.Delay(TimeSpan.FromSeconds(12), Token);

            var written = (await Lab.ReadWritesAsync(began)).Select(entry => entry.RequestUri).ToList();
            if (written.Count == 0 && before.Metadata.ResourceVersion == (await Lab.ReadAsync()).Metadata.ResourceVersion)
                return;
            Assert.True(period < MostPeriods, string.Join('\n', written));
        }
    }

    private async Task UntilQuietAsync()
    {
        var region = await Lab.ReadAsync();
        await Eventually.HoldsAsync(
            async () =>
            {
                region = await Lab.ReadAsync();
                return Lab.Operator.Regions.QuietVersionOf(region.Metadata.Uid) == region.Metadata.ResourceVersion && IsAsCached(region);
            },
            () => $"nothing is left to do for version {region.Metadata.ResourceVersion}, and the cache has it as the server does"
        );
    }

    // The controllers get the object of the cache itself, and must not change it.
    private bool IsAsCached(V1Alpha1ShortenerRegion region)
    {
        region.Metadata.ManagedFields = null;
        return KubernetesJson.Serialize(region)
            == KubernetesJson.Serialize(Lab.Operator.FindCached<V1Alpha1ShortenerRegion>(Lab.Namespace, region.Metadata.Name)!);
    }
}
