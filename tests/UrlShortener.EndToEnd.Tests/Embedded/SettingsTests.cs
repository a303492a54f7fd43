using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Embedded;

/// <summary>Settings are judged before any store is touched.</summary>
public sealed class SettingsTests : ProductTest
{
    private const int ConfigurationError = 78;

    [Fact]
    public async Task Start_ManyWrongSettings_TellsAllAtOnceAndWritesNothing()
    {
        var stores = await NewStoresAsync();

        var result = await ProductRuns.StartAsync(
            stores,
            "--RateLimitng:Free=5",
            "--RateLimiting:Free=many",
            "--RateLimiting:Enabled=perhaps",
            "--Clicks:BatchSize=0",
            "--Clicks:FlushInterval=00:00:10",
            "--Links:PublicBaseUrl=nope",
            "--Keys:PolSize=3",
            "--Proxies:Trusted:0=everybody",
            "--Authentication:Jwt:SigningKey=c2hvcnQ=",
            "--Caching:Ttl=soon",
            "--ConnectionStrings:Redis=db:6379",
            "--Role=king"
        );

        Assert.True(result.ExitCode == ConfigurationError, result.ToString());
        Assert.Contains("The configuration has ", result.Error, StringComparison.Ordinal);
        foreach (
            var (setting, hint) in new[]
            {
                ("RateLimitng", "Did you mean RateLimiting?"),
                ("RateLimiting:Free", "\"many\""),
                ("RateLimiting:Enabled", "true or false"),
                ("Clicks:BatchSize", "between 1 and 100000"),
                ("Clicks:FlushInterval", "00:00:00.4"),
                ("Links:PublicBaseUrl", "\"nope\""),
                ("Keys:PolSize", "Did you mean PoolSize?"),
                ("Proxies:Trusted", "\"everybody\""),
                ("Authentication:Jwt:SigningKey", "32 bytes"),
                ("Caching:Ttl", "00:00:30"),
                ("ConnectionStrings:Redis", "needs ConnectionStrings:Postgres"),
                ("Role", "all, app, kgs or clicks"),
            }
        )
        {
            Assert.True(
                result
                    .Error.Split('\n')
                    .Any(line => line.TrimStart().StartsWith(setting + " ", StringComparison.Ordinal) && line.Contains(hint, StringComparison.Ordinal)),
                $"{setting} is not named with {hint}: {result}"
            );
        }

        ProductRuns.AssertTellsPlainly(result);
        Assert.Empty(Directory.EnumerateFileSystemEntries(stores.Folder));
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
    [InlineData("--ConnectionStrings:Postgres=Hots=db")]
    [InlineData("--ConnectionStrings:Mysql=Host=db")]
    [InlineData("--Kgs:Token=short")]
    [InlineData("--Kgs:LowWatermark=1000000")]
    [InlineData("--Region:Name=EU West")]
    public async Task Start_OneWrongSetting_IsRefusedByName(string setting)
    {
        var stores = await NewStoresAsync();

        var result = await ProductRuns.StartAsync(stores, setting);

        Assert.True(result.ExitCode == ConfigurationError, result.ToString());
        // The name of a list, without the number of the entry.
        Assert.Contains(setting[2..setting.IndexOf('=', StringComparison.Ordinal)].TrimEnd(':', '0'), result.Error, StringComparison.Ordinal);
        ProductRuns.AssertTellsPlainly(result);
        Assert.Empty(Directory.EnumerateFileSystemEntries(stores.Folder));
    }
}
