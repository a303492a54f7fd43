using k8s;
using UrlShortener.Operator.Conditions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>The end of a region's namespace.</summary>
public sealed class NamespaceEndTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Namespace_DeletedWithARegionInIt_Goes(bool isOperatorUp)
    {
        await StartWithFakePodsAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        if (!isOperatorUp)
            await Lab.Operator.StopAsync();

        var began = TimeProvider.System.GetUtcNow();
        await Lab.Client.CoreV1.DeleteNamespaceAsync(Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () => !(await Lab.Client.CoreV1.ListNamespaceAsync(cancellationToken: Token)).Items.Any(space => space.Metadata.Name == Lab.Namespace),
            () => "the namespace is gone"
        );

        // One try for each event of something going, and one each 10 s: nothing is tried in a loop.
        var most = 20 + (int)((TimeProvider.System.GetUtcNow() - began).TotalSeconds / 10);
        Assert.InRange((await Lab.ReadWritesAsync(began)).Count(entry => entry.Code == 403), 0, most);
    }
}
