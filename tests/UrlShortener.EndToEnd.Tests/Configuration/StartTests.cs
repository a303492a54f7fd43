using System.Net;
using System.Net.Sockets;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Configuration;

public sealed class StartTests : ProductTest
{
    private const int ConfigurationError = 78;

    [Fact]
    public async Task Start_ManyWrongSettings_TellsAllAtOnceAndWritesNothing()
    {
        var folder = NewFolder();

        var result = await StartInAsync(
            folder,
            "--RateLimitng:Free=5", "--RateLimiting:Free=many", "--RateLimiting:Enabled=perhaps", "--Clicks:BatchSize=0", "--Clicks:FlushInterval=00:00:10", "--Links:PublicBaseUrl=nope",
            "--Keys:PolSize=3", "--Proxies:Trusted:0=everybody", "--Authentication:Jwt:SigningKey=c2hvcnQ=", "--Caching:Ttl=soon",
            "--ConnectionStrings:Postgres=Host=db");

        Assert.True(result.ExitCode == ConfigurationError, result.ToString());
        Assert.Contains("The configuration has ", result.Error, StringComparison.Ordinal);
        foreach (var (setting, hint) in new[]
        {
            ("RateLimitng", "Did you mean RateLimiting?"), ("RateLimiting:Free", "\"many\""), ("RateLimiting:Enabled", "true or false"), ("Clicks:BatchSize", "between 1 and 100000"),
            ("Clicks:FlushInterval", "00:00:00.4"), ("Links:PublicBaseUrl", "\"nope\""), ("Keys:PolSize", "Did you mean PoolSize?"),
            ("Proxies:Trusted", "\"everybody\""), ("Authentication:Jwt:SigningKey", "32 bytes"), ("Caching:Ttl", "00:00:30"), ("ConnectionStrings:Postgres", "not supported"),
        })
        {
            Assert.True(
                result.Error.Split('\n').Any(line => line.TrimStart().StartsWith(setting + " ", StringComparison.Ordinal) && line.Contains(hint, StringComparison.Ordinal)),
                $"{setting} is not named with {hint}: {result}");
        }

        AssertTellsPlainly(result);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.FullName));
    }

    [Theory]
    [InlineData("--Storage:DataDirectory=")]
    [InlineData("--Nonsense=1")]
    [InlineData("--RateLimiting:Anonymous=0")]
    [InlineData("--RateLimiting:Anonymous=99999999999")]
    [InlineData("--Keys:LowWatermark=10000")]
    [InlineData("--Links:PublicBaseUrl=https://sho.rt/path")]
    [InlineData("--Links:OwnHosts:0=http://sho.rt/")]
    [InlineData("--Clicks:CountryHeader=CF IPCountry")]
    [InlineData("--Proxies:Trusted=127.0.0.1")]
    public async Task Start_OneWrongSetting_IsRefusedByName(string setting)
    {
        var folder = NewFolder();

        var result = await StartInAsync(folder, setting);

        Assert.True(result.ExitCode == ConfigurationError, result.ToString());
        // The name of a list, without the number of the entry.
        Assert.Contains(setting[2..setting.IndexOf('=', StringComparison.Ordinal)].TrimEnd(':', '0'), result.Error, StringComparison.Ordinal);
        AssertTellsPlainly(result);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.FullName));
    }

    [Fact]
    public async Task Start_DataDirectoryIsAFile_SaysSo()
    {
        var folder = NewFolder();
        await File.WriteAllTextAsync(ProductProcess.DataDirectoryOf(folder), "a file", TestContext.Current.CancellationToken);

        await AssertFailsAsync(folder, "Storage:DataDirectory");
    }

    [Fact]
    public async Task Start_DataIsNoDatabase_SaysSoAndLeavesItAlone()
    {
        var folder = NewFolder();
        var database = Path.Combine(Directory.CreateDirectory(ProductProcess.DataDirectoryOf(folder)).FullName, "shortener.db");
        var content = string.Concat(Enumerable.Repeat("This is somebody's diary. ", 100));
        await File.WriteAllTextAsync(database, content, TestContext.Current.CancellationToken);

        await AssertFailsAsync(folder, "Storage:DataDirectory");

        Assert.Equal(content, await File.ReadAllTextAsync(database, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("Abuse:BlocklistPath")]
    [InlineData("Clicks:GeoDatabasePath")]
    public async Task Start_FileOfASettingIsMissing_SaysSo(string setting) =>
        await AssertFailsAsync(NewFolder(), setting, $"--{setting}=/nowhere/file");

    [Fact]
    public async Task Start_PortInUse_SaysSo()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

        await AssertFailsAsync(NewFolder(), address, "--urls", address);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("http://127.0.0.1:99999")]
    [InlineData("http://192.0.2.1:8080")]
    public async Task Start_AddressCannotBeListenedOn_SaysSo(string address) => await AssertFailsAsync(NewFolder(), address, "--urls", address);

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
        foreach (var path in Directory.EnumerateFiles(product.DataDirectory))
            Assert.DoesNotContain(product.ApiKey, await File.ReadAllTextAsync(path, System.Text.Encoding.Latin1, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_TwoAtOnceOnNewData_ShareItSoundly()
    {
        var folder = NewFolder();
        // Ended before the folder is deleted: products go first.
        var products = new[] { Own(ProductProcess.Launch(folder)), Own(ProductProcess.Launch(folder)) };

        foreach (var product in products)
            await product.WaitUntilReadyAsync();
        var user = await products[0].CreateUserAsync(NewEmail());
        var code = await user.CreateLinkAsync("https://example.com/shared");
        Assert.Equal("https://example.com/shared", (await products[1].Anonymous.GetAsync($"/{code}")).Header("Location"));
        var many = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => new ApiClient(products[number % 2].Http, user.ApiKey)
            .CreateAsync(new { original_url = "https://example.com/" })));
        Assert.All(many, reply => Assert.True(reply.Status == 201, reply.ToString()));

        var users = await products[0].RunCommandAsync("users", "list");
        foreach (var product in products)
            await product.StopAsync();
        Assert.Single(users.Output.Split('\n'), line => line.Contains("owner@localhost", StringComparison.Ordinal));
        Assert.Equal(1, products.Sum(product => product.AllOutput.Split("API key: ").Length - 1));
        Assert.Equal("ok", Integrity.Check(products[0].DatabasePath));
    }

    [Fact]
    public async Task Stop_AfterSomeWork_LeavesNoWarningBehind()
    {
        var product = await StartAsync();
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{await product.Owner.CreateLinkAsync()}")).Status);

        await product.StopAsync();

        Assert.DoesNotMatch(@"(?m)^\S+ (warn|fail|crit): ", product.AllOutput);
        Assert.False(File.Exists(product.DatabasePath + "-wal"), "The write-ahead log was not folded into the file.");
    }

    // Later settings win, so that a test may give its own address.
    private static Task<ProgramResult> StartInAsync(TestFolder folder, params string[] settings) =>
        ProductProgram.RunAsync(folder.FullName, ["--urls", "http://127.0.0.1:0", $"--Storage:DataDirectory={ProductProcess.DataDirectoryOf(folder)}", .. settings]);

    private static async Task AssertFailsAsync(TestFolder folder, string named, params string[] settings)
    {
        var result = await StartInAsync(folder, settings);
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        AssertTellsPlainly(result);
    }

    private static void AssertTellsPlainly(ProgramResult result) => Assert.False((result.Output + result.Error).Contains("   at ", StringComparison.Ordinal), result.ToString());
}
