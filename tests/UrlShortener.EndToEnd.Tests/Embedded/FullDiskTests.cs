using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Embedded;

public sealed class FullDiskTests : ProductTest
{
    [Fact]
    public async Task Disk_IsFullForAWhile_HealthTellsRedirectsGoOnAndAllRecovers()
    {
        var stores = await NewStoresAsync();
        using var disk = BoundedVolume.Mount(mebibytes: 16, stores.DataDirectory);
        var product = Own(ProductProcess.Launch(stores, "--Keys:PoolSize=100", "--Keys:LowWatermark=50", "--Keys:BatchSize=100"));
        await product.WaitUntilReadyAsync();
        var user = await product.CreateUserAsync(NewEmail(), rateLimit: 1000000);
        var code = await user.CreateLinkAsync();
        await WaitForHealthAsync(product, 200, "healthy");

        disk.Fill();
        object link = new { original_url = "https://example.com/full" };
        await Eventually.ReadAsync(() => user.CreateAsync(link), reply => reply.Status == 503, "the store takes no links");
        await WaitForHealthAsync(product, 503, "unhealthy");
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);

        disk.Free();
        await WaitForHealthAsync(product, 200, "healthy");
        Assert.Equal(201, (await user.CreateAsync(link)).Status);
        await product.StopAsync();
    }

    [Fact]
    public async Task Stop_DiskIsFull_GivesUpOnTheClicksAndSaysHowMany()
    {
        var stores = await NewStoresAsync();
        using var disk = BoundedVolume.Mount(mebibytes: 16, stores.DataDirectory);
        // Only giving up ends this stop: the host waits for ten minutes.
        var product = Own(
            ProductProcess.Launch(stores, "--ShutdownTimeoutSeconds=600", "--Keys:PoolSize=100", "--Keys:LowWatermark=50", "--Keys:BatchSize=100")
        );
        await product.WaitUntilReadyAsync();
        var user = await product.CreateUserAsync(NewEmail(), rateLimit: 1000000);
        var code = await user.CreateLinkAsync();
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
        disk.Fill();
        await Eventually.ReadAsync(
            () => user.CreateAsync(new { original_url = "https://example.com/full" }),
            reply => reply.Status == 503,
            "the store takes no links"
        );
        for (var i = 0; i < 40; i++)
            Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);

        await product.StopAsync();

        Assert.Matches(@"Lost [0-9]+ clicks: the store did not accept them while the process stopped", product.AllOutput);
    }

    private static Task<Reply> WaitForHealthAsync(ProductProcess product, int status, string database) =>
        Eventually.ReadAsync(
            () => product.Anonymous.GetAsync("/health"),
            reply => reply.Status == status && reply.Json.GetProperty("components").GetProperty("database").GetString() == database,
            $"the store is {database}"
        );
}
