using System.Net;
using System.Net.Sockets;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Configuration;

/// <summary>Starts that end at their settings, before a store is opened or after.</summary>
public sealed class RefusedStartTests : ProductTest
{
    private const int ConfigurationError = 78;

    [Theory]
    [InlineData("Abuse:BlocklistPath")]
    [InlineData("Clicks:GeoDatabasePath")]
    public async Task Start_FileOfASettingIsMissing_SaysSo(string setting) =>
        await ProductRuns.AssertIsMisconfiguredAsync(await NewStoresAsync(), setting, $"--{setting}=/nowhere/file");

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
    [InlineData("ftp://127.0.0.1:0")]
    [InlineData("http://127.0.0.1:99999")]
    // Kestrel would listen on every address, on port 80.
    [InlineData("http://127.0.0.1:80a")]
    [InlineData("http://127.0.0.1:0/path")]
    [InlineData("http://192.0.2.1:8080")]
    [InlineData("https://127.0.0.1:0")]
    public async Task Start_AddressCannotBeListenedOn_SaysSo(string address)
    {
        var result = await ProductRuns.AssertIsMisconfiguredAsync(await NewStoresAsync(), address, "--urls", address);

        Assert.Contains("Urls ", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Kestrel:Endpoints:x:Url", "--Kestrel:Endpoints:x:Url=nonsense")]
    [InlineData("Kestrel:Endpoints:x:Url", "--Kestrel:Endpoints:x:Uri=http://127.0.0.1:0")]
    [InlineData(
        "Kestrel:Endpoints:x:Url http://192.0.2.1:80 ",
        "--Kestrel:Endpoints:a:Url=http://127.0.0.1:0",
        "--Kestrel:Endpoints:x:Url=http://192.0.2.1:80"
    )]
    [InlineData("Kestrel", "--Kestrel:Endpoints:x:Url=https://127.0.0.1:0", "--Kestrel:Certificates:Default:Path=/nowhere/x.pfx")]
    public async Task Start_EndpointCannotBeListenedOn_NamesItsSetting(string named, params string[] settings)
    {
        var result = await ProductRuns.AssertIsMisconfiguredAsync(await NewStoresAsync(), named, settings);

        Assert.DoesNotContain("Urls", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Endpoints:a:", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_CertificateIsNone_SaysSo()
    {
        var file = NewFolder().PathOf("junk.pfx");
        await File.WriteAllTextAsync(file, "junk", TestContext.Current.CancellationToken);

        await ProductRuns.AssertIsMisconfiguredAsync(
            await NewStoresAsync(),
            "certificate in the section Kestrel",
            "--Kestrel:Endpoints:x:Url=https://127.0.0.1:0",
            $"--Kestrel:Certificates:Default:Path={file}"
        );
    }
}
