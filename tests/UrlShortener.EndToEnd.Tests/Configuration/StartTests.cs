using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Configuration;

public sealed class StartTests : ProductTest
{
    [Fact]
    public async Task Start_FirstAndSecond_PrintsTheKeyOnceOnly()
    {
        var product = await StartAsync();
        var code = await product.Owner.CreateLinkAsync();
        Assert.Equal(1, product.Output.Split("API key: ").Length - 1);
        await product.StopAsync();

        await product.StartAgainAsync();
        Assert.Equal(200, (await product.Owner.GetAsync($"/api/v1/urls/{code}")).Status);
        await new ApiClient(product.Http, product.ApiKey + "x").GetAsync("/api/v1/urls");
        var metrics = await product.Anonymous.GetAsync("/metrics");
        await product.StopAsync();

        Assert.DoesNotContain("API key", product.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(product.ApiKey, product.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(product.ApiKey, metrics.Text, StringComparison.Ordinal);
        // Kept as a digest only.
        Assert.False(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes(product.ApiKey)));
        Assert.True(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes("owner@localhost")));
    }

    [Fact]
    public async Task Stop_AfterSomeWork_LeavesNoWarningBehind()
    {
        var product = await StartAsync();
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{await product.Owner.CreateLinkAsync()}")).Status);

        await product.StopAsync();

        Assert.DoesNotMatch(@"(?m)^\S+ (warn|fail|crit): ", product.AllOutput);
        Assert.Equal("ok", await product.Stores.CheckAsync());
    }
}
