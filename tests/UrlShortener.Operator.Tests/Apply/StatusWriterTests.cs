using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Apply;

public sealed class StatusWriterTests(ApiServerFixture apiServer)
{
    [Fact]
    public async Task CachedRegion_OlderThanTheLastWrite_ShowsWhatWasWritten()
    {
        await using var lab = await RegionLab.StartWithFakePodsAsync(apiServer);
        await lab.Client.CreateAsync(lab.Region());
        var cached = await lab.ReadAsync();
        var writer = new StatusWriter(PostgresStatusRules.Part, lab.Operator.Client);
        Assert.Same(cached, writer.LatestOf(cached));

        var told = new PostgresStatus { Primary = "eu-postgres-1" };
        await writer.WriteAsync(cached, told, [], TestContext.Current.CancellationToken);
        Assert.Equal("eu-postgres-1", writer.LatestOf(cached).Status?.Postgres?.Primary);

        // The same again is no write.
        var version = writer.LatestOf(cached).Metadata.ResourceVersion;
        await writer.WriteAsync(writer.LatestOf(cached), told, [], TestContext.Current.CancellationToken);
        Assert.Equal(version, writer.LatestOf(cached).Metadata.ResourceVersion);

        var caughtUp = await lab.ReadAsync();
        Assert.Same(caughtUp, writer.LatestOf(caughtUp));
        // Nothing is remembered that the cache has.
        Assert.Same(cached, writer.LatestOf(cached));
    }
}
