using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Configuration;

public sealed class CommandLineTests : ProductTest
{
    private const int UsageError = 64;
    private const int ConfigurationError = 78;

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-?")]
    [InlineData("help")]
    [InlineData("--urls", "http://127.0.0.1:0", "--help")]
    [InlineData("Links:PublicBaseUrl=https://sho.rt", "-h")]
    public async Task Help_OfTheProgram_IsPrintedAndNothingStarts(params string[] arguments)
    {
        var result = await RunAsync(0, arguments);

        Assert.Contains("users", result.Output, StringComparison.Ordinal);
        Assert.Contains("migrate", result.Output, StringComparison.Ordinal);
        Assert.Contains("--Section:Name", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("API key", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("users", "create", "--help")]
    [InlineData("help", "users", "create")]
    public async Task Help_OfACommand_IsPrinted(params string[] arguments) =>
        Assert.Contains("--email", (await RunAsync(0, arguments)).Output, StringComparison.Ordinal);

    [Fact]
    public async Task Version_IsPrinted() => Assert.Matches("^[0-9]+\\.[0-9]+\\.[0-9]+", (await RunAsync(0, "--version")).Output);

    [Theory]
    [InlineData("serve")]
    [InlineData("users")]
    [InlineData("users", "lst")]
    [InlineData("users", "list", "everybody")]
    [InlineData("-x")]
    [InlineData("-p", "8080")]
    [InlineData("-p=8080")]
    [InlineData("--urls")]
    [InlineData("--urls", "http://127.0.0.1:0", "extra")]
    [InlineData("--Keys:PoolSize", "--urls", "http://127.0.0.1:0")]
    [InlineData("migrate", "now")]
    public async Task Argument_NotUnderstood_IsRefused(params string[] arguments)
    {
        var result = await RunAsync(UsageError, arguments);

        Assert.Contains("--help", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("foo", "users", "foo", "--Storage:DataDirectory", "x")]
    [InlineData("foo", "users", "foo", "--Storage:DataDirectory=x")]
    [InlineData("foo", "users", "--Storage:DataDirectory", "x", "foo")]
    [InlineData("serve", "serve", "--Storage:DataDirectory", "x")]
    [InlineData("--force", "restored", "--force", "--Storage:DataDirectory", "x")]
    [InlineData("--force", "migrate", "--Storage:DataDirectory", "x", "--force")]
    [InlineData("--force", "users", "rotate-key", "--force", "--Storage:DataDirectory", "x")]
    public async Task Argument_BesideASetting_IsBlamedAlone(string wrong, params string[] arguments)
    {
        var result = await RunAsync(UsageError, arguments);

        Assert.Contains($"{wrong} is not ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("DataDirectory", result.Error, StringComparison.Ordinal);
        Assert.DoesNotMatch("(?m)^'?x'? is", result.Error);
    }

    [Theory]
    [InlineData("restored")]
    [InlineData("users", "list")]
    [InlineData("users", "revoke-key", "--email", "a@example.com")]
    public async Task Command_FolderWithoutAStore_SaysSoAndMakesNone(params string[] command)
    {
        var folder = NewFolder().PathOf("mistyped");

        var result = await RunAsync(ConfigurationError, [.. command, "--Storage:DataDirectory", folder]);

        Assert.Contains("Storage:DataDirectory", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }

    [Theory]
    [InlineData("--port", "9090", "port")]
    [InlineData("Nonsense=1", "--urls=http://127.0.0.1:0", "Nonsense")]
    public async Task Setting_Unknown_IsRefused(string first, string second, string named) =>
        Assert.Contains(named, (await RunAsync(ConfigurationError, first, second)).Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("Link__PublicBaseUrl=https://sho.rt", "Links__")]
    [InlineData("RateLimitng__Free=5", "RateLimiting__")]
    [InlineData("KEY__PoolSize=500", "Keys__")]
    [InlineData("RateLimit__Enabled=false", "RateLimiting__")]
    [InlineData("Proxy__Trusted__0=10.0.0.0/8", "Proxies__")]
    [InlineData("Rolle=kgs", "Role?")]
    [InlineData("Links_PublicBaseUrl=https://sho.rt", "Links__PublicBaseUrl?")]
    public async Task Environment_SettingIsMistyped_IsRefused(string variable, string hint)
    {
        var result = await RunInEnvironmentAsync([variable], "migrate");

        Assert.True(result.ExitCode == ConfigurationError, result.ToString());
        Assert.Contains(variable.Split("__")[0].Split('=')[0], result.Error, StringComparison.Ordinal);
        Assert.Contains(hint, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Environment_VariablesOfOtherPrograms_AreTheirs()
    {
        var result = await RunInEnvironmentAsync(
            ["Serilog__MinimumLevel=Debug", "LINKSHARE__TOKEN=1", "APP__Name=x", "KEY=1", "LINK=2", "Links_Other=3", "KGS_TOKEN=x", "REGION_NAME=eu"],
            "migrate"
        );

        Assert.True(result.ExitCode == 0, result.ToString());
    }

    [Theory]
    [InlineData("127.0.0.2", "ASPNETCORE_URLS=http://127.0.0.2:0")]
    [InlineData("127.0.0.2", "ASPNETCORE_URLS=http://127.0.0.2:0", "ASPNETCORE_HTTP_PORTS=1")]
    [InlineData("127.0.0.3", "ASPNETCORE_URLS=http://127.0.0.2:0", "Urls=http://127.0.0.3:0")]
    [InlineData("[::]", "ASPNETCORE_HTTP_PORTS=0")]
    [InlineData("127.0.0.4", "ASPNETCORE_URLS=http://127.0.0.2:0", "Kestrel__Endpoints__Http__Url=http://127.0.0.4:0")]
    public async Task Environment_SaysWhereToListen(string host, params string[] variables)
    {
        var stores = await NewStoresAsync();

        var line = await ReadListeningLineAsync(stores, variables, []);

        Assert.Contains($"Now listening on: http://{host}:", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CommandLine_SaysWhereToListen_BeforeTheEnvironment() =>
        Assert.Contains(
            "http://127.0.0.5:",
            await ReadListeningLineAsync(
                await NewStoresAsync(),
                ["ASPNETCORE_URLS=http://127.0.0.2:0", "Urls=http://127.0.0.3:0"],
                ["--urls", "http://127.0.0.5:0"]
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public async Task Logs_AsJson_AreOneObjectALine()
    {
        var line = await ReadListeningLineAsync(await NewStoresAsync(), ["Logging__Console__FormatterName=json"], ["--urls", "http://127.0.0.1:0"]);

        var entry = JsonElement.Parse(line);
        Assert.Equal("Information", entry.GetProperty("LogLevel").GetString());
        Assert.True(DateTimeOffset.TryParse(entry.GetProperty("Timestamp").GetString(), out _), line);
        Assert.Equal(entry.GetProperty("Timestamp").GetString()!.Trim(), entry.GetProperty("Timestamp").GetString());
    }

    [Fact]
    public async Task Logs_ForSystemd_BeginWithTheirPriority() =>
        Assert.StartsWith(
            "<6>",
            await ReadListeningLineAsync(await NewStoresAsync(), ["Logging__Console__FormatterName=systemd"], ["--urls", "http://127.0.0.1:0"]),
            StringComparison.Ordinal
        );

    [Fact]
    public async Task Logs_UnknownFormat_IsRefused() =>
        Assert.Contains("simple, json, systemd", (await RunAsync(ConfigurationError, "--Logging:Console:FormatterName=jsn")).Error, StringComparison.Ordinal);

    private async Task<ProgramResult> RunAsync(int exitCode, params string[] arguments)
    {
        var folder = NewFolder();
        var result = await ProductProgram.RunAsync(folder.FullName, arguments);
        Assert.True(result.ExitCode == exitCode, result.ToString());
        ProductRuns.AssertTellsPlainly(result);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.FullName));
        return result;
    }

    private async Task<ProgramResult> RunInEnvironmentAsync(string[] variables, params string[] arguments)
    {
        var stores = await NewStoresAsync();
        return await ProductProgram.RunCommandAsync(stores.Folder, "env", [.. variables, ProductProgram.Path, .. arguments, .. stores.Settings]);
    }

    private static async Task<string> ReadListeningLineAsync(ProductStores stores, string[] variables, string[] arguments)
    {
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var output = new Lines();
        var process = ProductProgram.StartCommand(
            stores.Folder,
            "env",
            [.. variables, ProductProgram.Path, .. arguments, .. stores.Settings],
            line =>
            {
                output.Add(line);
                if (line is null)
                    listening.TrySetException(new InvalidOperationException($"The product ended. Its output:\n{output}"));
                else if (line.Contains("Now listening on", StringComparison.Ordinal))
                    listening.TrySetResult(line);
            },
            output.Add
        );
        try
        {
            return await listening.Task.WaitAsync(TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        }
        finally
        {
            await ProductProgram.EndAsync(process);
        }
    }
}
