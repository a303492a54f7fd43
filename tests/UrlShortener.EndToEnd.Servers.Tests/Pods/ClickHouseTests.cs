using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestServers.ClickHouse;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

/// <summary>A product whose statistics ClickHouse answers. The clicks are put there by hand: nothing publishes or loads events here.</summary>
public sealed class ClickHouseTests : ProductTest
{
    // Nobody answers there, and nobody has to.
    private const string Kafka = "--ConnectionStrings:Kafka=127.0.0.1:1";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Statistics_ComeFromClickHouseAndNothingElseNeedsIt()
    {
        await using var server = await Availability.OrSkipAsync(ClickHouseServer.StartAsync(Token));
        await using var database = await server.CreateDatabaseAsync("product", Token);
        var stores = await NewStoresAsync();
        // The server's own limits hold on a busy machine, too.
        string[] settings =
        [
            Kafka,
            $"--ConnectionStrings:ClickHouse={database.ConnectionString}",
            "--ClickHouse:QueryTimeout=00:00:20",
            "--Exports:RowsPerSecond=5000",
        ];

        var migrated = await ProductProgram.RunAsync(stores.Folder, ["migrate", .. stores.Settings, .. settings]);
        Assert.True(migrated.ExitCode == 0, migrated.ToString());
        Assert.Contains("ClickHouse is up to date.", migrated.Output, StringComparison.Ordinal);
        var product = Own(ProductProcess.Launch(stores, settings));
        await product.WaitUntilReadyAsync();
        var email = NewEmail();
        var owner = await product.CreateUserByCommandAsync(email, "--tier", "enterprise");
        var (code, deleted) = (await owner.CreateLinkAsync(), await owner.CreateLinkAsync());
        await InsertAsync(database, code, 3);
        await InsertAsync(database, deleted, 2);

        Assert.Equal(3, await ReadClicksAsync(owner, code));
        var about = (await owner.GetAsync($"/api/v1/urls/{code}")).Json.GetProperty("analytics");
        Assert.Equal(3, about.GetProperty("clicks_7d").GetInt64());
        Assert.Equal("healthy", await ReadHealthAsync(product));

        // A worker erases what a deleted link has there.
        Assert.Equal(204, (await owner.DeleteAsync($"/api/v1/urls/{deleted}")).Status);
        await Eventually.HoldsAsync(async () => await CountAsync(database, deleted) == 0, "the clicks of the deleted link are erased");

        var popular = await owner.CreateLinkAsync();
        await InsertAsync(database, popular, 200_000);
        await ExportAsync(database, owner, product, popular);
        using var broken = await BeginExportAsync(owner, product, popular);
        await server.KillAsync(Token);
        // The first pages are there. What follows is missing, and the client learns it.
        await using (var body = await broken.Content.ReadAsStreamAsync(Token))
            await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null, Token));
        (await owner.GetAsync($"/api/v1/urls/{code}/clicks.csv")).ShouldBeProblem(503, "UNAVAILABLE");
        var refused = await owner.GetAsync($"/api/v1/urls/{code}/stats");
        refused.ShouldBeProblem(503, "UNAVAILABLE");
        Assert.Contains("the server that keeps them does not answer", refused.Text, StringComparison.Ordinal);
        var without = await owner.GetAsync($"/api/v1/urls/{code}");
        Assert.Equal((200, JsonValueKind.Null), (without.Status, without.Json.GetProperty("analytics").ValueKind));
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
        Assert.Equal(201, (await owner.CreateAsync(new { original_url = "https://example.com/more" })).Status);
        Assert.Equal("degraded", await ReadHealthAsync(product));
        Assert.Equal(200, (await product.Anonymous.GetAsync("/health/ready")).Status);
        // A start does not need it either.
        var other = Own(ProductProcess.Launch(stores, [.. settings, "--Clicks:SpoolDirectory=.spool2"]));
        await other.WaitUntilReadyAsync();
        await other.StopAsync();
        var away = await ProductProgram.RunAsync(stores.Folder, ["migrate", .. stores.Settings, .. settings]);
        Assert.Equal(1, away.ExitCode);
        Assert.Contains("ConnectionStrings:ClickHouse cannot be used", away.Error, StringComparison.Ordinal);

        await server.RestartAsync(Token);
        var back = await Eventually.ReadAsync(() => owner.GetAsync($"/api/v1/urls/{code}/stats"), reply => reply.Status == 200, "statistics are there again");
        Assert.Equal(3, back.Json.GetProperty("total_clicks").GetInt64());
        var wrong = await ProductProgram.RunAsync(
            stores.Folder,
            [
                "migrate",
                .. stores.Settings,
                Kafka,
                $"--ConnectionStrings:ClickHouse={database.ConnectionString.Replace(server.Password, "wrong", StringComparison.Ordinal)}",
            ]
        );
        Assert.Equal(78, wrong.ExitCode);

        var gone = await ProductProgram.RunAsync(stores.Folder, ["users", "delete", "--email", email, "--yes", .. stores.Settings, .. settings]);
        Assert.True(gone.ExitCode == 0, gone.ToString());
        Assert.Equal(0, await CountAsync(database, code));
        Assert.DoesNotContain(server.Password, product.Output + away + wrong + gone + migrated, StringComparison.Ordinal);
    }

    // 200,000 clicks take 40 s, so that all of this happens meanwhile.
    private static async Task ExportAsync(ClickHouseDatabase database, ApiClient owner, ProductProcess product, string code)
    {
        var few = await owner.CreateLinkAsync();
        await InsertAsync(database, few, 2);
        using (var first = await BeginExportAsync(owner, product, code))
        {
            // One at a time.
            (await owner.GetAsync($"/api/v1/urls/{few}/clicks.csv")).ShouldBeProblem(429, "RATE_LIMIT_EXCEEDED");
        }

        // The client has left, which ends its export.
        var whole = await Eventually.ReadAsync(() => owner.GetAsync($"/api/v1/urls/{few}/clicks.csv"), reply => reply.Status == 200, "the export has ended");
        Assert.Equal(4, whole.Text.Split("\r\n").Length);
    }

    private static async Task<HttpResponseMessage> BeginExportAsync(ApiClient owner, ProductProcess product, string code)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/urls/{code}/clicks.csv");
        request.Headers.Add("X-API-Key", owner.ApiKey);
        var answer = await product.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        Assert.Equal(System.Net.HttpStatusCode.OK, answer.StatusCode);
        return answer;
    }

    private static Task InsertAsync(ClickHouseDatabase database, string code, int clicks) =>
        database.ExecuteAsync(
            "INSERT INTO click_inserts (short_code, clicked_at, id, country, visitor, deadline) "
                + $"SELECT '{code}', now64(3), generateUUIDv7(), 'DE', number + 1, now() + 600 FROM numbers({clicks})",
            Token
        );

    private static async Task<long> ReadClicksAsync(ApiClient owner, string code) =>
        (await owner.GetAsync($"/api/v1/urls/{code}/stats")).Json.GetProperty("total_clicks").GetInt64();

    private static async Task<string> ReadHealthAsync(ProductProcess product) =>
        (await product.Anonymous.GetAsync("/health")).Json.GetProperty("components").GetProperty("analytics").GetString()!;

    private static async Task<long> CountAsync(ClickHouseDatabase database, string code)
    {
        var rows = await database.ReadAsync(
            $"SELECT (SELECT count() FROM clicks WHERE short_code = '{code}') + (SELECT count() FROM clicks_by_day WHERE short_code = '{code}') "
                + $"+ (SELECT count() FROM clicks_by_quarter_hour WHERE short_code = '{code}')",
            Token
        );
        return long.Parse(rows[0][0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
