using System.Net;
using System.Net.Sockets;
using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Configuration;

public sealed class StartTests : ProductTest
{
    private const int ConfigurationError = 78;

    [Theory]
    [InlineData("Abuse:BlocklistPath")]
    [InlineData("Clicks:GeoDatabasePath")]
    public async Task Start_FileOfASettingIsMissing_SaysSo(string setting) =>
        await ProductRuns.AssertFailsAsync(await NewStoresAsync(), setting, $"--{setting}=/nowhere/file");

    [Fact]
    public async Task Start_LogLevelUnknown_IsAnErrorOfTheConfiguration()
    {
        var result = await ProductRuns.StartAsync(await NewStoresAsync(), "--Logging:LogLevel:Default=Loud", "--Logging:Console:LogLevel:Microsoft=Quiet");

        Assert.True(result.ExitCode == ConfigurationError, result.ToString());
        Assert.Contains("Logging:LogLevel:Default must be Trace,", result.Error, StringComparison.Ordinal);
        Assert.Contains("Logging:Console:LogLevel:Microsoft must be Trace,", result.Error, StringComparison.Ordinal);
        ProductRuns.AssertTellsPlainly(result);
    }

    [Theory]
    [InlineData("{ \"Links\": {")]
    [InlineData("""{ "Role": "all", "role": "app" }""")]
    public async Task Start_FileOfSettingsIsBroken_IsAnErrorOfTheConfiguration(string text)
    {
        var stores = await NewStoresAsync();
        // A file in the current folder is read instead of the one beside the program.
        await File.WriteAllTextAsync(Path.Combine(stores.Folder, "appsettings.json"), text, TestContext.Current.CancellationToken);

        var result = await ProductRuns.StartAsync(stores);

        Assert.True(result.ExitCode == ConfigurationError, result.ToString());
        Assert.Contains("appsettings.json", result.Error, StringComparison.Ordinal);
        ProductRuns.AssertTellsPlainly(result);
    }

    [Fact]
    public async Task Start_PortInUse_SaysSo()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

        await ProductRuns.AssertFailsAsync(await NewStoresAsync(), address, "--urls", address);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("http://127.0.0.1:99999")]
    [InlineData("http://192.0.2.1:8080")]
    public async Task Start_AddressCannotBeListenedOn_SaysSo(string address) =>
        await ProductRuns.AssertFailsAsync(await NewStoresAsync(), address, "--urls", address);

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
