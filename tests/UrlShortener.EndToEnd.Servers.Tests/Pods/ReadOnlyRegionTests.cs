using System.Text.Json;
using Npgsql;
using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

/// <summary>
/// Two regions, eu and us, each with a process of the product and one server of PostgreSQL. The server of us follows that of eu. On servers of their own, since
/// they are fenced and promoted.
/// </summary>
public sealed class ReadOnlyRegionTests : PodTest
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Regions_OneWritesAndTheRoleMoves_BothRedirectAndTheRightOneTakesChanges()
    {
        await using var postgres = await StartPostgresAsync();
        await postgres.CreateDatabaseAsync("shortener", Token);
        var eu = await StartAsync("eu", postgres.Nodes[0], "--Postgres:MigrateOnStart=true");
        await BeatAsync(postgres.Nodes[0], "eu", epoch: 1);
        var apiKey = await Eventually.ReadAsync(() => Task.FromResult(ProductProgram.FindKey(eu.Output)), key => key is not null, "the first user has a key");
        var onEu = new ApiClient(eu.Http, apiKey);
        Assert.Equal(201, (await onEu.CreateAsync(new { original_url = "https://example.com/spring", custom_alias = "spring" })).Status);
        await postgres.WaitUntilReplicasCaughtUpAsync(Token);

        string[] settings = ["--Postgres:MigrateOnStart=false", .. CommonRegion.LongCaching];
        var us = await StartAsync("us", postgres.Nodes[1], settings);
        var onUs = new ApiClient(us.Http, apiKey);

        await ReadsAndTakesNoChangesAsync(us, onUs);
        await VoidsWhatTheOtherRegionChangesAsync(onEu, us);
        await RefusesCommandsAsync(us, postgres.Nodes[1]);
        TellsOnceAndQuietly(us);
        await FencedAndBackAsync(postgres.Nodes[0], eu, onEu);
        await RoleMovesAsync(postgres, eu, onEu, us, onUs);
    }

    private static async Task ReadsAndTakesNoChangesAsync(ProductProcess us, ApiClient onUs)
    {
        // The only click of a person.
        var followed = await us.Anonymous.GetAsync("/spring", ("User-Agent", UserAgents.Desktop));
        Assert.Equal("https://example.com/spring", followed.Header("Location"));
        Assert.Equal(404, (await us.Anonymous.GetAsync("/unknown")).Status);
        Assert.Equal("spring", (await onUs.GetAsync("/api/v1/urls")).Json.GetProperty("urls")[0].GetProperty("short_code").GetString());
        foreach (var path in new[] { "/api/v1/urls/spring", "/api/v1/urls/spring/stats", "/api/v1/urls/spring/qr" })
            Assert.Equal(200, (await onUs.GetAsync(path)).Status);
        Assert.Equal(401, (await new ApiClient(us.Http, $"usk_{new string('0', 43)}").GetAsync("/api/v1/urls")).Status);

        Reply[] refused =
        [
            // Nothing of them is looked at.
            await us.Anonymous.CreateAsync(new { original_url = "not a URL" }),
            await new ApiClient(us.Http, "not a key").CreateAsync(new { original_url = "https://example.com/" }),
            await onUs.CreateManyAsync([new { original_url = "https://example.com/" }]),
            await onUs.PatchAsync("/api/v1/urls/spring", new { is_active = false }),
            await onUs.DeleteAsync("/api/v1/urls/spring"),
        ];
        foreach (var reply in refused)
        {
            Assert.Equal(5, reply.ShouldBeProblem(503, "READ_ONLY_REGION").GetProperty("retry_after").GetInt32());
            Assert.Equal("5", reply.Header("Retry-After"));
            Assert.Contains("the region eu does", reply.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal(405, (await onUs.SendAsync(HttpMethod.Put, "/api/v1/urls", new { })).Status);
        await Eventually.ReadAsync(() => ReadHealthAsync(us), health => health.GetProperty("status").GetString() == "healthy", "a standby region is healthy");
        var health = await ReadHealthAsync(us);
        Assert.Equal("healthy", health.GetProperty("components").GetProperty("database").GetString());
        Assert.Equal("current", health.GetProperty("schema").GetProperty("state").GetString());
        Assert.Equal(("standby", "eu", 1), Describe(health.GetProperty("read_only")));
        Assert.Equal(200, (await us.Anonymous.GetAsync("/health/ready")).Status);
        await AssertMetricsAsync(us, standby: 1, fenced: 0, hasAge: true);
    }

    // The process holds the link in memory for longer than the test takes.
    private static async Task VoidsWhatTheOtherRegionChangesAsync(ApiClient onEu, ProductProcess us)
    {
        Assert.Equal(200, (await onEu.PatchAsync("/api/v1/urls/spring", new { original_url = "https://example.com/summer" })).Status);

        await Eventually.ReadAsync(
            async () => (await us.Anonymous.GetAsync("/spring")).Header("Location"),
            target => target == "https://example.com/summer",
            "the change arrives"
        );
    }

    private static async Task RefusesCommandsAsync(ProductProcess us, PostgresNode node)
    {
        string[] settings = [.. us.Stores.Settings, .. SettingsOf("us", node)];

        var create = await ProductProgram.RunAsync(us.Stores.Folder, ["users", "create", "--email", NewEmail(), .. settings]);
        var migrate = await ProductProgram.RunAsync(us.Stores.Folder, ["migrate", .. settings]);

        Assert.True(create.ExitCode == 1, create.ToString());
        Assert.Contains("This region takes no changes; the region eu does.", create.Error, StringComparison.Ordinal);
        // It has nothing to do.
        Assert.True(migrate.ExitCode == 0, migrate.ToString());
    }

    // What Redis and the server say on a busy machine is not about the region.
    private static void TellsOnceAndQuietly(ProductProcess us)
    {
        Assert.Equal(1, us.Output.Split("This region takes no changes").Length - 1);
        Assert.DoesNotContain(
            us.Output.Split('\n'),
            line =>
                (line.Contains("warn: UrlShortener.", StringComparison.Ordinal) || line.Contains("fail: UrlShortener.", StringComparison.Ordinal))
                && !line.Contains("Redis", StringComparison.Ordinal)
        );
    }

    private static async Task FencedAndBackAsync(PostgresNode node, ProductProcess eu, ApiClient onEu)
    {
        await FenceAsync(node);
        var refused = await WaitForCreateAsync(onEu, reply => reply.Status == 503 && reply.Json.GetProperty("code").GetString() == "READ_ONLY_REGION");
        Assert.Contains("no other region is known", refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal("https://example.com/summer", (await eu.Anonymous.GetAsync("/spring")).Header("Location"));
        Assert.Equal(200, (await onEu.GetAsync("/api/v1/urls")).Status);
        var health = await Eventually.ReadAsync(() => ReadHealthAsync(eu), health => health.TryGetProperty("read_only", out _), "the fence is told");
        Assert.Equal(("fenced", null, 1), Describe(health.GetProperty("read_only")));
        Assert.Equal("degraded", health.GetProperty("components").GetProperty("database").GetString());
        await AssertMetricsAsync(eu, standby: 0, fenced: 1, hasAge: false);

        await ExecuteAsync(node, "ALTER SYSTEM RESET default_transaction_read_only");
        await ExecuteAsync(node, "SELECT pg_reload_conf()");

        await WaitForCreateAsync(onEu, reply => reply.Status == 201);
        await Eventually.ReadAsync(() => ReadHealthAsync(eu), health => !health.TryGetProperty("read_only", out _), "the end of the fence is told");
    }

    private static async Task RoleMovesAsync(PostgresCluster postgres, ProductProcess eu, ApiClient onEu, ProductProcess us, ApiClient onUs)
    {
        var (former, next) = (postgres.Nodes[0], postgres.Nodes[1]);
        await FenceAsync(former);
        await postgres.WaitUntilReplicasCaughtUpAsync(Token);
        await next.PromoteAsync(Token);

        // Before anybody says in the row who writes.
        await WaitForCreateAsync(onUs, reply => reply.Status == 201);
        await BeatAsync(next, "us", epoch: 2);
        Assert.Equal(201, (await onUs.CreateAsync(new { original_url = "https://example.com/autumn", custom_alias = "autumn" })).Status);
        // It waited while us was a standby region.
        await Eventually.ReadAsync(
            async () => (await onUs.GetStatisticsAsync("spring")).GetProperty("total_clicks").GetInt64(),
            clicks => clicks == 1,
            "the click is stored"
        );

        await former.RejoinAsync(next, Token);
        await postgres.WaitUntilReplicasCaughtUpAsync(Token);
        var refused = await WaitForCreateAsync(
            onEu,
            reply => reply.Status == 503 && reply.Json.GetProperty("detail").GetString()!.Contains("the region us does", StringComparison.Ordinal)
        );
        refused.ShouldBeProblem(503, "READ_ONLY_REGION");
        Assert.Equal("https://example.com/autumn", (await eu.Anonymous.GetAsync("/autumn")).Header("Location"));
        Assert.Equal(("standby", "us", 2), Describe((await ReadHealthAsync(eu)).GetProperty("read_only")));
        Assert.Equal(204, (await onUs.DeleteAsync("/api/v1/urls/autumn")).Status);
    }

    private static async Task<PostgresCluster> StartPostgresAsync()
    {
        // Skips where no servers can be had.
        await EndToEnd.Tests.Product.Servers.GetAsync();
        return await PostgresCluster.StartAsync(new PostgresClusterOptions { Replicas = 1 }, Token);
    }

    private static string[] SettingsOf(string region, PostgresNode node) =>
        [
            $"--Region:Name={region}",
            $"--ConnectionStrings:Postgres={new NpgsqlConnectionStringBuilder { Host = $"{node.Host}:{node.Port}", Username = "postgres", Database = "shortener" }}",
        ];

    private async Task<ProductProcess> StartAsync(string region, PostgresNode node, params string[] settings)
    {
        var process = Own(ProductProcess.Launch(await NewStoresAsync(), [.. SettingsOf(region, node), .. settings]));
        await process.WaitUntilReadyAsync();
        return process;
    }

    private static Task<Reply> WaitForCreateAsync(ApiClient client, Func<Reply, bool> isIt) =>
        Eventually.ReadAsync(() => client.CreateAsync(new { original_url = "https://example.com/new" }), isIt, "creates are answered so");

    private static async Task<JsonElement> ReadHealthAsync(ProductProcess process) => (await process.Anonymous.GetAsync("/health")).Json;

    private static async Task AssertMetricsAsync(ProductProcess process, int standby, int fenced, bool hasAge)
    {
        var lines = (await process.Anonymous.GetAsync("/metrics")).Text.Split('\n');
        Assert.Equal(($"{standby}", $"{fenced}"), (ValueOf("standby"), ValueOf("fenced")));
        Assert.Equal(hasAge, lines.Any(line => line.StartsWith("shortener_write_region_age_seconds{", StringComparison.Ordinal)));

        string ValueOf(string reason) =>
            lines
                .Single(line =>
                    line.StartsWith("shortener_read_only{", StringComparison.Ordinal) && line.Contains($"reason=\"{reason}\"", StringComparison.Ordinal)
                )
                .Split(' ')[^1];
    }

    private static (string? Reason, string? Writer, int Epoch) Describe(JsonElement readOnly) =>
        (readOnly.GetProperty("reason").GetString(), readOnly.GetProperty("writing_region").GetString(), readOnly.GetProperty("epoch").GetInt32());

    // As an operator does before a switchover.
    private static async Task FenceAsync(PostgresNode node)
    {
        await ExecuteAsync(node, "ALTER SYSTEM SET default_transaction_read_only = on");
        await ExecuteAsync(node, "SELECT pg_reload_conf()");
    }

    // As the guard of the writing region's database does once a second.
    private static Task BeatAsync(PostgresNode node, string region, int epoch) =>
        ExecuteAsync(
            node,
            $"""
            INSERT INTO write_region (region, epoch, beat_at) VALUES ('{region}', {epoch}, clock_timestamp())
            ON CONFLICT (is_only) DO UPDATE SET region = excluded.region, epoch = excluded.epoch, beat_at = excluded.beat_at
            """
        );

    private static async Task ExecuteAsync(PostgresNode node, string sql)
    {
        await using var connection = new NpgsqlConnection(node.DirectConnectionString("shortener"));
        await connection.OpenAsync(Token);
        // Statements of this class.
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Token);
    }
}
