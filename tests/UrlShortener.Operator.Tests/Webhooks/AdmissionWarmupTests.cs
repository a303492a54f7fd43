using Microsoft.Extensions.Diagnostics.HealthChecks;
using Xunit;

namespace UrlShortener.Operator.Tests.Webhooks;

/// <summary>When a replica becomes ready for admission requests.</summary>
public sealed class AdmissionWarmupTests(ApiServerFixture servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Replica_ThatIsReady_HasAnsweredRequestsOfEachKind()
    {
        var cluster = await servers.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("warm", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);

        await Eventually.HoldsAsync(async () => (await host.CheckAsync()).Status == HealthStatus.Healthy, "the webhook is ready");

        Assert.Equal(
            ["keypools CREATE", "keypools DELETE", "keypools UPDATE", "shortenerregions CREATE", "shortenerregions DELETE", "shortenerregions UPDATE"],
            host.Answered.Distinct().Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Replica_WhosePortDoesNotAnswer_IsNotReady()
    {
        var cluster = await servers.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("cold", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System, answers: false);

        await Eventually.HoldsAsync(() => host.Requests > 0, "it asks itself");

        Assert.Contains("has not answered its own requests", (await host.CheckAsync()).Description, StringComparison.Ordinal);
    }
}
