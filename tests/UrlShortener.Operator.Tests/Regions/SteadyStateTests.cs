using UrlShortener.Operator.Conditions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>A region to which nothing happens.</summary>
public sealed class SteadyStateTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private const int MostPeriods = 4;

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
            var before = await Lab.ReadAsync();
            var began = TimeProvider.System.GetUtcNow();

            // Everything is looked at again six times, and once the region's health, which the operator looks at each 30 s.
            await Task.Delay(TimeSpan.FromSeconds(33), Token);

            var written = (await Lab.ReadWritesAsync(began)).Select(entry => entry.RequestUri).ToList();
            if (written.Count == 0 && before.Metadata.ResourceVersion == (await Lab.ReadAsync()).Metadata.ResourceVersion)
                return;
            Assert.True(period < MostPeriods, string.Join('\n', written));
        }
    }
}
