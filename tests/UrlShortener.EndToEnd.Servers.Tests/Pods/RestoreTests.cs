using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

/// <summary>Databases that come back without their last changes, while processes and Redis remember them.</summary>
public sealed class RestoreTests : PodTest
{
    [Fact]
    public async Task Restored_ThenByTheService_ThenWithoutEpochs_ChangesAreInForceForVisitorsOfEveryProcess()
    {
        var region = await StartRegionAsync(null, CommonRegion.LongCaching);
        var (code, deleted) = (await CreateAndLoseAsync(region), await CreateAndLoseAsync(region));
        var restored = await region.A.RunCommandAsync("restored");
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Contains("Opened epoch ", restored.Output, StringComparison.Ordinal);
        await AssertChangesAreInForceAsync(region, code, deleted);

        // An epoch that is opened through the service voids held links, too.
        (code, deleted) = (await CreateAndLoseAsync(region), await CreateAndLoseAsync(region));
        var epoch = await region.Stores.ReadAsync("SELECT max(epoch) FROM kgs_epochs") + 1;
        var opened = await region.AskKgsAsync(HttpMethod.Post, "/kgs/v1/epochs", new { epoch }, KgsToken);
        Assert.True(opened.Status == 200, opened.ToString());
        await AssertChangesAreInForceAsync(region, code, deleted);

        // The database loses its epochs: the next one is above all that Redis knows.
        await Eventually.ReadAsync(
            async () => (await region.AskKgsAsync(HttpMethod.Get, "/kgs/v1/status", token: KgsToken)).Json.GetProperty("pool_epoch").GetInt32(),
            told => told == epoch,
            "Redis knows the epoch"
        );
        foreach (var process in region.Processes)
            await process.KillAsync();
        await region.Stores.ExecuteAsync($"DELETE FROM kgs_epochs WHERE epoch = {epoch}");
        foreach (var next in new[] { epoch + 1, epoch + 2 })
        {
            restored = await region.A.RunCommandAsync("restored");
            Assert.True(restored.ExitCode == 0, restored.ToString());
            Assert.Contains($"Opened epoch {next}.", restored.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Restored_RedisIsAway_SaysSoAndChangesNothing()
    {
        var stores = await NewStoresWithRedisGateAsync();
        var migrated = await ProductProgram.RunAsync(stores.Folder, ["migrate", .. stores.Settings]);
        Assert.True(migrated.ExitCode == 0, migrated.ToString());
        stores.RedisGate.Mode = TcpGateMode.Closed;

        var restored = await ProductProgram.RunAsync(stores.Folder, ["restored", .. stores.Settings]);

        Assert.True(restored.ExitCode == 1, restored.ToString());
        Assert.Contains("ConnectionStrings:Redis cannot be used, and nothing was changed", restored.Error, StringComparison.Ordinal);
        ProductRuns.AssertTellsPlainly(restored);
        Assert.Equal(0, await stores.ReadAsync("SELECT count(*) FROM kgs_epochs"));
        stores.RedisGate.Mode = TcpGateMode.Open;
        restored = await ProductProgram.RunAsync(stores.Folder, ["restored", .. stores.Settings]);
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Contains("Opened epoch 1.", restored.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restored_WithoutRedis_ChangesAndFreshCodesGoOn()
    {
        var stores = await NewStoresAsync();
        string[] settings =
        [
            "--ConnectionStrings:Redis=",
            "--Keys:PoolSize=100",
            "--Keys:LowWatermark=50",
            "--Keys:BatchSize=100",
            .. CommonRegion.LongCaching,
        ];
        var product = Own(ProductProcess.Launch(stores, settings));
        await product.WaitUntilReadyAsync();
        await product.WaitForCodesAsync(100);
        var user = await product.CreateUserAsync(NewEmail(), rateLimit: 1000000);
        var code = await user.CreateLinkAsync("https://example.com/1");
        Assert.Equal(200, (await user.PatchAsync($"/api/v1/urls/{code}", new { original_url = "https://example.com/lost" })).Status);
        Assert.Equal("https://example.com/lost", (await product.Anonymous.GetAsync($"/{code}")).Header("Location"));
        var unused = await stores.FindUnusedCodesAsync();
        await stores.ExecuteAsync($"UPDATE urls SET original_url = 'https://example.com/1', version = 1 WHERE short_code = '{code}'; DELETE FROM link_changes");

        var restored = await ProductProgram.RunAsync(stores.Folder, ["restored", .. stores.Settings, .. settings]);

        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Contains("Opened epoch 1.", restored.Output, StringComparison.Ordinal);
        await Eventually.ReadAsync(
            () => product.Anonymous.GetAsync($"/{code}"),
            reply => reply.Header("Location") == "https://example.com/1",
            "the restored target is followed"
        );
        Assert.Equal(200, (await user.PatchAsync($"/api/v1/urls/{code}", new { original_url = "https://example.com/new" })).Status);
        Assert.Equal("https://example.com/new", (await product.Anonymous.GetAsync($"/{code}")).Header("Location"));
        for (var i = 0; i < 30; i++)
            Assert.DoesNotContain(await user.CreateLinkAsync(), unused);
        // The pool is filled with codes of the new epoch, and they are used.
        var onDemand = await product.ReadMetricAsync("shortener_keys_on_demand_total");
        await product.WaitForCodesAsync(50);
        await user.CreateLinkAsync();
        Assert.Equal(onDemand, await product.ReadMetricAsync("shortener_keys_on_demand_total"));
    }

    // A link changed twice and followed through both pods; then its row as a restore puts it back, and none of the changes.
    private static async Task<string> CreateAndLoseAsync(Region region)
    {
        var code = await region.OnA.CreateLinkAsync("https://example.com/1");
        foreach (var target in new[] { "https://example.com/2", "https://example.com/lost" })
            Assert.Equal(200, (await region.OnA.PatchAsync($"/api/v1/urls/{code}", new { original_url = target })).Status);
        foreach (var pod in region.Pods)
            await Eventually.ReadAsync(
                () => pod.Anonymous.GetAsync($"/{code}"),
                reply => reply.Header("Location") == "https://example.com/lost",
                "the last change is seen"
            );
        await region.Stores.ExecuteAsync(
            $"UPDATE urls SET original_url = 'https://example.com/1', version = 1 WHERE short_code = '{code}'; DELETE FROM link_changes"
        );
        return code;
    }

    private static async Task AssertChangesAreInForceAsync(Region region, string code, string deleted)
    {
        foreach (var pod in region.Pods)
            await Eventually.ReadAsync(
                () => pod.Anonymous.GetAsync($"/{code}"),
                reply => reply.Header("Location") == "https://example.com/1",
                "the restored target is followed"
            );

        Assert.Equal(200, (await region.OnA.PatchAsync($"/api/v1/urls/{code}", new { original_url = "https://example.com/new" })).Status);
        Assert.Equal(204, (await region.OnA.DeleteAsync($"/api/v1/urls/{deleted}")).Status);

        Assert.Equal("https://example.com/new", (await region.A.Anonymous.GetAsync($"/{code}")).Header("Location"));
        Assert.Equal(404, (await region.A.Anonymous.GetAsync($"/{deleted}")).Status);
        await Eventually.ReadAsync(
            () => region.B.Anonymous.GetAsync($"/{code}"),
            reply => reply.Header("Location") == "https://example.com/new",
            "the change is seen through the other pod"
        );
        await Eventually.ReadAsync(
            () => region.B.Anonymous.GetAsync($"/{deleted}"),
            reply => reply.Status == 404,
            "the deletion is seen through the other pod"
        );
        // Nothing brings the old states back.
        foreach (var pod in region.Pods)
        {
            Assert.Equal("https://example.com/new", (await pod.Anonymous.GetAsync($"/{code}")).Header("Location"));
            Assert.Equal(404, (await pod.Anonymous.GetAsync($"/{deleted}")).Status);
        }
    }
}
